"""How many charging stations one core carries, and how far that is from the least there can be.

Everything of a station but its instruments, as a shop runs it: guardian at ten samples a second,
Celery worker in the middle of a parallel top balance, uplink, and their share of PostgreSQL, which
waits for the disk.  The instruments answer after 5 ms, in processes that do not count, nor does
Redis, which is shown.  CPU time, so that a busy machine adds nothing; the peer is `skeleton`, a
loop on the same instruments, measured while the stations run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from deploy import embedded
from stations.clock import guard_s
from stations.journal import read_records
from tests import services
from tests.benchmarks.answering import answering
from tests.benchmarks.bench_period import errors_ms, skipped_of
from tests.benchmarks.cpu import cpu_s
from tests.benchmarks.report import p99, report
from tests.benchmarks.skeleton import skeleton
from tests.faults.own_servers import postmaster

if TYPE_CHECKING:
    from tests.benchmarks.charging import Charging

STATIONS, PERIOD_S, AFTER_S = 3, 0.1, 0.005
SETTLED_S, MEASURED_S = 5.0, 30.0
PER_CORE, OF_SKELETON, ERROR_MS = 60.0, 0.5, 5.0


def main() -> bool:
    services.prepare()
    os.environ |= {"CELLSHOP_DURABLE": "1", "DJANGO_SETTINGS_MODULE": "deploy.settings"}
    embedded.join(services.folder_of_session())
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    call_command("grant_roles", verbosity=0)
    try:
        return _figures(services.folder_of_session())
    finally:
        connections.close_all()
        services.clean_up()


@dataclass
class Costs:
    """CPU seconds of a station per second of the clock, by who spent them."""

    guardian: float
    worker: float
    uplink: float
    postgres: float
    redis: float
    skeleton: float

    @property
    def station(self) -> float:
        return self.guardian + self.worker + self.uplink + self.postgres


def _figures(folder: Path) -> bool:
    from tests.benchmarks.charging import charging
    from tests.cast import the_cast
    from tests.factories import make_policy

    cast = the_cast()
    make_policy(by=cast.sade)
    with ExitStack() as stack:
        stations = [
            stack.enter_context(charging(number, cast, period_s=PERIOD_S, after_s=AFTER_S))
            for number in range(1, STATIONS + 1)
        ]
        bare = stack.enter_context(answering(after_s=AFTER_S))
        peer = stack.enter_context(skeleton(bare, folder, PERIOD_S))
        _pause(SETTLED_S)
        costs = _costs(folder, stations, peer)
        samples = [_samples(station.journal) for station in stations]
    begun_s = [[_begun_s(sample["reading"]) for sample in one] for one in samples]
    told = sum(sample.get("skipped", 0) for one in samples for sample in one[1:])
    bare_s = [float(line.split()[0]) for line in (folder / "skeleton").read_text().splitlines()]
    return all(list(_told(costs, begun_s, bare_s, told)))


def _costs(folder: Path, stations: Sequence[Charging], peer: Sequence[int]) -> Costs:
    shared = {"postgres": [postmaster(folder)], "redis": [_redis_pid()]}
    each = {
        name: [getattr(station, name) for station in stations]
        for name in ("guardian", "worker", "uplink")
    }
    roots = shared | each
    before, began_s = {name: cpu_s(pids) for name, pids in roots.items()}, guard_s()
    peer_before = cpu_s(peer)
    _pause(MEASURED_S)
    after, lasted_s = {name: cpu_s(pids) for name, pids in roots.items()}, guard_s() - began_s
    peer_s = (cpu_s(peer) - peer_before) / lasted_s
    per_station = {n: (after[n] - before[n]) / lasted_s / len(stations) for n in roots}
    return Costs(**per_station, skeleton=peer_s)


def _redis_pid() -> int:
    from django.conf import settings
    from redis import Redis

    return int(Redis.from_url(settings.REDIS_URL).info("server")["process_id"])


def _told(
    costs: Costs, begun_s: Sequence[Sequence[float]], bare_s: Sequence[float], told: int
) -> Iterator[bool]:
    for field in fields(costs):
        cost_ms = 1e3 * getattr(costs, field.name)
        report(f"CPU of a station in a second, {field.name}", cost_ms, unit="ms")
    rate = f"{1 / PERIOD_S:g} samples/s"
    yield report(f"stations per core, {rate}", 1 / costs.station, at_least=PER_CORE)
    yield report(
        "the same, of what a bare skeleton does",
        costs.skeleton / costs.station,
        unit="x",
        at_least=OF_SKELETON,
    )
    found_ms = [error for one in begun_s for error in errors_ms(one, PERIOD_S)]
    name = f"period error of samples begun, p99 of {len(found_ms)}"
    report(f"{name}, of the skeleton", p99(errors_ms(bare_s, PERIOD_S)), unit="ms")
    yield report(name, p99(found_ms), unit="ms", at_most=ERROR_MS)
    skipped = sum(skipped_of(one, PERIOD_S) for one in begun_s)
    report("samples that the schedule skipped", skipped)
    yield report("of these without a word in the journal", skipped - told, at_most=0)


def _samples(journal: Path) -> list[Mapping[str, Any]]:
    """Records of the measured time."""
    records, _ = read_records(journal)
    samples = [record.body for record in records if record.kind == "sample"]
    return samples[-int(MEASURED_S / PERIOD_S) :]


def _begun_s(reading: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(reading["at"]).timestamp() - float(reading["age_s"])


def _pause(seconds: float) -> None:
    Event().wait(seconds)
