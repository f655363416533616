"""Redis dies, forgets, hangs or half hears: runs go on, and what is queued starts by itself.

Requirement F4; PostgreSQL says what is queued, a message only wakes somebody up.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
from celery import Celery
from pytest_django import Settings

from shop.equipment.models import StationLease
from shop.jobs.states import RunState
from stations.clock import wall_now
from stations.sim.proxy import HALF_OPEN, Proxy
from tests.faults.matrix import Trial
from tests.faults.night import PERIOD_S, Night, a_night, leases, pause
from tests.faults.own_servers import OwnRedis, broker, own_redis
from tests.faults.readings import all_kept_once, period_p99_s, taken
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
AFTER_RETURN_S = 60.0  # from Redis's return to the start of what waited
RESENT_S = 30.0  # until a run whose message was lost is taken by a worker that is ready
UNHEARD_S = 120.0  # from the fault to the start of what waited, however nobody was told
ALL = ("worker", "office", "beat")


@pytest.fixture
def own() -> Iterator[OwnRedis]:
    with own_redis() as redis:
        yield redis


@pytest.fixture
def night(
    own: OwnRedis, process_env: dict[str, str], settings: Settings, tmp_path: Path
) -> Iterator[Night]:
    settings.REDIS_URL = own.url
    with a_night(process_env | {"REDIS_URL": own.url}, settings, tmp_path) as night:
        yield night


@pytest.fixture
def away_s(request: pytest.FixtureRequest) -> float:
    """How long to break things."""
    return 90.0 if request.config.getoption("all_trials") else 6.0


@contextmanager
def killed(redis: OwnRedis) -> Iterator[None]:
    redis.kill()
    yield
    redis.start()


Broken = Callable[[OwnRedis], Any]


def goes_on_without(
    night: Night, own: OwnRedis, broken: Broken, away_s: float, trial: Trial
) -> None:
    """A run that charges does not notice; one that is started meanwhile waits for the return."""
    with night.programs(*ALL):
        first = night.charging()
        with broken(own):
            gone_at = wall_now()
            trial.happened(not own.answers())
            pause(away_s * 2 / 3)
            assert night.bench.guarded.sim.output_is_on()
            assert period_p99_s(taken(night.bench, first), gone_at, wall_now()) < 2 * PERIOD_S
            first = night.stop(first)
            second = night.again(first)
            pause(away_s / 3)
            assert not leases(second)
        back_at = wall_now()

        trial.off_after((night.leased_at(second, 90) - back_at).total_seconds())
        assert (first.state, first.attempt) == (RunState.STOPPED, 1)
        assert all_kept_once(night.bench, first)
        night.stop(second)
        assert len(leases(second)) == 1


@pytest.mark.fault(
    "9", "Redis killed, back after 90 s", trials=1, in_ci=False, limit_s=AFTER_RETURN_S
)
def test_a_run_goes_on_while_redis_is_dead(
    night: Night, own: OwnRedis, away_s: float, trial: Trial
) -> None:
    goes_on_without(night, own, killed, away_s, trial)


@pytest.mark.fault("11", "Redis hangs for 90 s", trials=1, in_ci=False, limit_s=AFTER_RETURN_S)
def test_a_run_goes_on_while_redis_hangs(
    night: Night, own: OwnRedis, away_s: float, trial: Trial
) -> None:
    goes_on_without(night, own, OwnRedis.frozen, away_s, trial)


def starts_once_after(night: Night, own: OwnRedis, lose: Callable[[], None], trial: Trial) -> None:
    """A run is queued, its message is lost, and then there is a worker."""
    queue = f"station.{night.slug}"
    with night.programs("office", "beat"):
        run = night.bench.start()
        wait_until(lambda: own.client.llen(queue), within_s=20, what="a message")
        lose()
        with night.programs("worker"):
            ready_at = wall_now()
            trial.off_after(max(0.0, (night.leased_at(run, 60) - ready_at).total_seconds()))
            pause(3 * float(night.env["RESEND_S"]))
            run = night.stop(run)
    assert len(leases(run)) == run.attempt == 1


@pytest.mark.fault("10", "FLUSHALL while a run is queued", trials=1, in_ci=False, limit_s=RESENT_S)
def test_a_queued_run_starts_once_after_flushall(night: Night, own: OwnRedis, trial: Trial) -> None:
    def lose() -> None:
        with own.client.pipeline(transaction=True) as at_once:
            at_once.dbsize(), at_once.flushall(), at_once.dbsize()
            before, _, after = at_once.execute()
        trial.happened(before and not after)

    starts_once_after(night, own, lose, trial)


@pytest.mark.fault(
    "10", "Redis restarted without its data", trials=1, in_ci=False, limit_s=RESENT_S
)
def test_a_queued_run_starts_once_after_redis_forgot(
    night: Night, own: OwnRedis, trial: Trial
) -> None:
    def lose() -> None:
        before = own.pid
        own.kill()
        own.start()
        trial.happened(own.pid != before)

    starts_once_after(night, own, lose, trial)


@pytest.mark.fault("11", "Redis half-open for everybody", trials=1, in_ci=False, limit_s=UNHEARD_S)
def test_a_queued_run_starts_though_every_line_to_redis_is_dead(
    night: Night, own: OwnRedis, trial: Trial
) -> None:
    with Proxy(("127.0.0.1", own.port)) as proxy:
        night.env["REDIS_URL"] = own.url.replace(str(own.port), str(proxy.port))
        with night.programs(*ALL):
            proxy.line = HALF_OPEN
            frozen_at = wall_now()
            run = night.bench.start()

            wait_until(lambda: proxy.held, within_s=30, what="bytes that nobody hears")
            trial.happened(proxy.connections)
            trial.off_after((night.leased_at(run, 150) - frozen_at).total_seconds())
            night.stop(run)
    assert len(leases(run)) == 1


def make_deaf(night: Night, name: str, queue: str, trial: Trial) -> None:
    """It runs, it answers, and it takes no message any more."""
    app: Celery = broker(night.env["REDIS_URL"])
    whom = [f"{name}@{gethostname()}"]
    app.control.cancel_consumer(queue, destination=whom, reply=True)
    asked = app.control.inspect(destination=whom, timeout=5)
    wait_until(lambda: asked.active_queues() == {whom[0]: []}, within_s=20)
    trial.happened(asked.ping() == {whom[0]: {"ok": "pong"}})


@pytest.mark.fault("11", "idle worker alive but deaf", trials=1, in_ci=False, limit_s=UNHEARD_S)
def test_a_deaf_worker_is_told_of_and_started_again(night: Night, trial: Trial) -> None:
    with night.programs(*ALL):
        make_deaf(night, f"station-{night.slug}", f"station.{night.slug}", trial)
        deaf_at = wall_now()
        run = night.bench.start()

        wait_until(lambda: f"No worker takes run {run.pk}" in alarm(night), within_s=60)
        trial.off_after((night.leased_at(run, 90) - deaf_at).total_seconds())
        wait_until(lambda: not alarm(night), what="the alarm to end")
        night.stop(run)
    assert night.said("worker", "does not do its work")


@pytest.mark.fault("11", "idle worker hangs", trials=1, in_ci=False, limit_s=UNHEARD_S)
def test_a_worker_that_hangs_is_killed_and_started_again(night: Night, trial: Trial) -> None:
    with night.programs(*ALL):
        main = worker_pid(night)
        os.kill(main, signal.SIGSTOP)
        hung_at = wall_now()
        run = night.bench.start()

        trial.off_after((night.leased_at(run, 150) - hung_at).total_seconds())
        trial.happened(worker_pid(night) != main)
        night.stop(run)


@pytest.mark.fault("11", "office worker alive but deaf", trials=1, in_ci=False, limit_s=UNHEARD_S)
def test_a_deaf_office_is_started_again(night: Night, own: OwnRedis, trial: Trial) -> None:
    with night.programs(*ALL):
        make_deaf(night, "office", "office", trial)
        deaf_at = wall_now()
        run = night.bench.start()  # told to nobody who listens: only the office sends it

        trial.off_after((night.leased_at(run, 150) - deaf_at).total_seconds())
        night.stop(run)
    assert night.said("worker", "no heartbeat")


def alarm(night: Night) -> str:
    return StationLease.objects.get(station=night.bench.station).alarm


def worker_pid(night: Night) -> int:
    """Of the station worker's main process, which its queue names."""
    wanted = f"station.{night.slug}".encode()
    found = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if wanted in path.read_bytes().split(b"\0")
    ]
    return min(found)
