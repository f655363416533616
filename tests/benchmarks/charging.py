"""A station that charges: all that a shop runs for it, on instruments that answer from a table.

Import this once Django is set up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shop import clock
from shop.equipment.benches import bench_folder
from shop.equipment.models import StationLease
from shop.jobs.models import Run
from shop.jobs.services.acts import confirm_step
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.services.starts import start_run
from tests import factories
from tests.benchmarks.answering import CHANNELS, answering
from tests.benchmarks.guarding import guarding
from tests.cast import Cast
from tests.faults.processes import of_bench, running
from tests.wait import wait_until


@dataclass(frozen=True)
class Charging:
    """Process ids by what they are, and the journal of the run."""

    guardian: int
    worker: int
    uplink: int
    journal: Path


@contextmanager
def charging(number: int, cast: Cast, *, period_s: float, after_s: float) -> Iterator[Charging]:
    """Station `number` in the balance step of a parallel top balance; killed at the end."""
    slug = f"bench-{number}"
    folder = bench_folder(slug)
    folder.mkdir(parents=True)
    station = factories.make_station(slug=slug, now=clock.now())
    programs = of_bench(slug)
    with ExitStack() as stack:
        bench = stack.enter_context(answering(after_s=after_s, number=number))
        for role, serial_number in bench.serial_numbers.items():
            station.instruments.filter(role=role).update(serial_number=serial_number)
        guardian = stack.enter_context(guarding(bench, folder, period_s))
        uplink, worker = (
            stack.enter_context(running(programs[name], os.environ, folder / f"{name}.log"))
            for name in ("uplink", "worker")
        )
        lease = StationLease.objects.filter(station=station, heartbeat_at__gt=clock.now())
        wait_until(lease.exists, within_s=30, what="the uplink")
        run = _started(slug, cast)
        yield Charging(
            guardian.pid, worker.pid, uplink.pid, folder / "journal" / f"{run.pk}-1.jsonl"
        )


def _started(slug: str, cast: Cast) -> Run:
    """A run of the station that charges."""
    version = factories.make_recipe_version(by=cast.sade)
    cells, now, by = factories.make_cells(len(CHANNELS)), clock.now(), cast.tola
    job = create_job(recipe_version=version, cells=cells, by=by, now=now)
    claim_job(job=job, station=StationLease.objects.get(station__slug=slug).station, by=by, now=now)
    run = start_run(job=job, by=by, now=clock.now())
    _at_step(run, "connect")
    confirm_step(run=run, step="connect", by=by, now=clock.now())
    _at_step(run, "balance")
    return run


def _at_step(run: Run, name: str) -> None:
    def there() -> bool:
        run.refresh_from_db()
        if run.is_over:
            raise ValueError(f"{run.state}: {run.cause}")
        return bool(run.step and run.step["name"] == name)

    wait_until(there, within_s=60, period_s=0.2, what=f"step {name}")
