"""The network between bench and server fails and heals (F3, F4): two hosts, a real cable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import Settings

from api.reads.board import stations
from shop import clock
from shop.equipment.states import OutputState
from shop.jobs.models import Run
from shop.jobs.services.acts import request_stop
from stations.clock import wall_now
from stations.sim.proxy import Proxy
from tests.faults.hosts import SERVER_IP, Door, Host, TwoHosts, two_hosts
from tests.faults.matrix import Trial
from tests.faults.night import Night, a_night, leases
from tests.faults.own_servers import own_postgres, own_redis
from tests.faults.processes import SHORT
from tests.faults.readings import all_kept_once
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
UNKNOWN_S = 100.0  # from the cut until people see that nobody knows
REPLAYED_S = 60.0  # from the healing until everything is stored
# TCP by itself tries again 102 s after the first loss, and then after 204 s.
LONG_S = 115.0


@dataclass
class Site:
    """Servers and office on one host, the bench with its programs on the other."""

    hosts: TwoHosts
    night: Night
    office: Night  # the same shop, seen from the servers' host
    door: int  # the port of PostgreSQL at the server's end of the cable
    away_s: float  # at least

    def output(self) -> str:
        """As people see it."""
        (shown,) = stations(now=clock.now())
        return shown.output

    def times_on(self) -> int:
        return [r["on"] for r in self.night.bench.guarded.sim.truth("relay")].count(True)


@pytest.fixture
def site(
    process_env: dict[str, str],
    settings: Settings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    """This thread is on the server's host; the shop's own timers where there is time."""
    with ExitStack() as stack:
        enter = stack.enter_context
        hosts = enter(two_hosts())
        enter(hosts.server.inside())
        postgres, redis = enter(own_postgres()), enter(own_redis())
        pg_door = enter(Door(hosts.server, postgres.port))
        redis_door = enter(Door(hosts.server, redis.port))
        near = process_env | {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        far = process_env | {
            "DATABASE_URL": _over(postgres.url, postgres.port, pg_door),
            "REDIS_URL": _over(redis.url, redis.port, redis_door),
        }
        settings.REDIS_URL = redis.url
        away_s = 1.0
        if request.config.getoption("all_trials"):
            far |= {name: str(getattr(settings, name)) for name in SHORT}
            away_s = LONG_S
        with hosts.bench.inside():
            night = enter(a_night(far, settings, tmp_path, alive=False))
            enter(night.programs("uplink", "worker"))
        office = night.at(near, CELLSHOP_DATA=str(tmp_path))
        enter(office.programs("office", "beat"))
        yield Site(hosts, night, office, pg_door.port, away_s)


def _over(url: str, port: int, door: Proxy) -> str:
    return url.replace(f"127.0.0.1:{port}", f"{SERVER_IP}:{door.port}")


def parts_and_heals(site: Site, losing: tuple[Host, ...], trial: Trial) -> None:
    with site.hosts.bench.inside():
        run = site.night.charging()
    # A host without that bench, whose worker hears of its runs all the same.  Only now: of two
    # that wait for one message either may get it, and this one can only let it go by.
    with site.office.programs("worker"):
        _part_and_heal(site, run, losing, trial)


def _part_and_heal(site: Site, run: Run, losing: tuple[Host, ...], trial: Trial) -> None:
    hosts, night = site.hosts, site.night
    hosts.part(*losing)
    parted_at = wall_now()
    trial.happened(not hosts.bench.reaches(hosts.server, site.door))

    wait_until(lambda: site.output() == OutputState.UNKNOWN, within_s=UNKNOWN_S + 10)
    trial.off_after((wall_now() - parted_at).total_seconds())
    request_stop(run=run, by=night.bench.cast.tola, now=clock.now())
    assert len(leases(run)) == 1
    wait_until(lambda: (wall_now() - parted_at).total_seconds() > site.away_s, within_s=site.away_s)
    hosts.heal()
    healed_at = wall_now()

    def whole() -> bool:
        return Run.objects.get(pk=run.pk).is_over and all_kept_once(night.bench, run)

    wait_until(whole, within_s=REPLAYED_S, period_s=0.5, what="every sample to be stored")
    assert (wall_now() - healed_at).total_seconds() < REPLAYED_S
    assert site.times_on() == len(leases(run)) == 1
    assert not night.bench.guarded.sim.output_is_on()


@pytest.mark.fault(
    "18", "bench and server parted, both ways", trials=1, limit_s=UNKNOWN_S, in_ci=False
)
def test_nobody_else_drives_a_bench_that_is_parted_from_the_server(
    site: Site, trial: Trial
) -> None:
    parts_and_heals(site, (site.hosts.bench, site.hosts.server), trial)


@pytest.mark.fault("18", "nothing reaches the bench", trials=1, limit_s=UNKNOWN_S, in_ci=False)
def test_a_bench_that_is_heard_and_hears_nothing_is_unknown_too(site: Site, trial: Trial) -> None:
    parts_and_heals(site, (site.hosts.server,), trial)


@pytest.mark.fault("18", "nothing reaches the server", trials=1, limit_s=UNKNOWN_S, in_ci=False)
def test_a_bench_that_hears_and_is_not_heard_is_unknown_too(site: Site, trial: Trial) -> None:
    parts_and_heals(site, (site.hosts.bench,), trial)
