"""The station's worker dies, hangs or wakes too late: rows 1, 3, 6, 7, 16, 50 and 51.

The real Celery worker on a simulated bench, with short timers that keep a shop's ratios.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from shop import clock
from shop.jobs import reaper
from shop.jobs.models import Run
from shop.jobs.services.starts import send_run
from shop.jobs.states import RunState
from shop.readings.models import Manifest
from stations.clock import wall_now
from tests.faults.matrix import Trial
from tests.shop.jobs.shop_bench import ShopBench, is_in_cv, shop_bench
from tests.shop.jobs.test_worker import (
    SHORT,
    child_of,
    has_attempt,
    holding_back,
    is_gone,
    is_over,
    off_at,
    station_worker,
    stored,
    taken,
)
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def env(process_env: dict[str, str], settings: Settings) -> dict[str, str]:
    for name, value in SHORT.items():
        setattr(settings, name, value)
    return process_env | {name: str(value) for name, value in SHORT.items()}


@contextmanager
def charging(
    env: dict[str, str], redis_client: redis.Redis, *, alive: bool = True
) -> Iterator[tuple[ShopBench, Run, subprocess.Popen[bytes]]]:
    """A run in its CV hold, driven by a real worker."""
    with shop_bench(alive=alive) as bench, station_worker(bench, env) as worker:
        yield bench, in_its_hold(bench, redis_client), worker


def in_its_hold(bench: ShopBench, redis_client: redis.Redis) -> Run:
    """A run that the bench's worker has taken as far as its CV hold."""
    run = bench.start(cv_min_s=1200.0, resume_rest_s=2.0)
    send_run(run.pk, bench.station.slug)
    bench.connect(run)
    wait_until(partial(is_in_cv, redis_client, bench), within_s=60)
    return run


def finish(bench: ShopBench, run: Run) -> None:
    bench.at_step(run, "finish")
    bench.confirm(run, "finish")
    bench.unlink(run)
    wait_until(partial(is_over, run), within_s=60, period_s=0.2)


def is_interrupted(run: Run) -> bool:
    reaper.reap(now=clock.now())
    run.refresh_from_db()
    return run.state == RunState.INTERRUPTED


def may_go_on(run: Run) -> bool:
    return is_interrupted(run) and run.journal_closed_at is not None


def relay_moves(bench: ShopBench) -> list[bool]:
    return [bool(record["on"]) for record in bench.guarded.sim.truth("relay")]


@pytest.mark.fault(
    "1", "kill -9 of a worker that has just leased its run", trials=1, limit_s=100, in_ci=False
)
def test_a_run_lost_before_its_bench_was_open_is_run_again(
    env: dict[str, str], trial: Trial
) -> None:
    with shop_bench() as bench, ExitStack() as workers:
        worker = workers.enter_context(station_worker(bench, env))
        run = bench.start()
        with holding_back("shop_calibration"):  # which the worker reads before it opens
            send_run(run.pk, bench.station.slug)
            wait_until(lambda: Run.objects.get(pk=run.pk).state == RunState.LEASED, within_s=60)
            killed_at = wall_now()
            worker.kill()
            trial.happened(worker.wait(timeout=10) == -signal.SIGKILL)
        wait_until(partial(is_interrupted, run), within_s=100)
        trial.off_after((wall_now() - killed_at).total_seconds())  # to INTERRUPTED
        assert not any(relay_moves(bench))

        workers.enter_context(station_worker(bench, env))
        wait_until(partial(has_attempt, run, 2), within_s=60, period_s=0.2)
        bench.connect(run)
        bench.at_step(run, "balance")


@pytest.mark.fault(
    "3", "kill -9 of a worker that concludes its run", trials=1, limit_s=5.0, in_ci=False
)
def test_a_run_lost_while_it_was_concluded_is_sealed_by_the_next_and_energises_nothing(
    env: dict[str, str], redis_client: redis.Redis, trial: Trial
) -> None:
    with charging(env, redis_client) as (bench, run, worker), ExitStack() as workers:
        with holding_back("shop_manifest"):
            told_at = wall_now()
            bench.guarded.link.stop(reason="enough")
            wait_until(lambda: Run.objects.get(pk=run.pk).state == RunState.STOPPING, within_s=20)
            worker.kill()
            trial.happened(worker.wait(timeout=10) == -signal.SIGKILL)
        trial.off_after(off_at(bench, told_at))
        moves = relay_moves(bench)
        wait_until(partial(may_go_on, run), within_s=60)
        workers.enter_context(station_worker(bench, env))
        wait_until(partial(is_over, run), within_s=60, period_s=0.2)

        assert (run.state, run.cause, run.attempt) == (RunState.STOPPED, "enough", 1)
        assert relay_moves(bench) == moves
        assert Manifest.objects.get(run=run).body["readings"]["count"] == run.stored_seq


@pytest.mark.fault(
    "6", "SIGSTOP of the worker, taken over, woken as a zombie", trials=1, limit_s=5, in_ci=False
)
def test_a_zombie_commands_nothing_and_spoils_nothing(
    env: dict[str, str], redis_client: redis.Redis, trial: Trial
) -> None:
    """Its readings of before stay in its own attempt (row 7), its commands reach nobody."""
    with charging(env, redis_client) as (bench, run, worker), ExitStack() as workers:
        zombies = [worker.pid, child_of(worker.pid)]
        stopped_at = wall_now()
        for pid in zombies:
            os.kill(pid, signal.SIGSTOP)
        bench.guarded.wait_off(stopped_at, within_s=5.0)
        trial.off_after(off_at(bench, stopped_at))
        workers.enter_context(station_worker(bench, env))
        wait_until(partial(has_attempt, run, 2), within_s=60, period_s=0.2)
        bench.at_step(run, "balance")
        wait_until(bench.guarded.sim.output_is_on, within_s=30)

        states = [Path(f"/proc/{pid}/status").read_text() for pid in zombies]
        trial.happened(all("State:\tT" in state for state in states))
        for pid in zombies:
            os.kill(pid, signal.SIGCONT)
        finish(bench, run)

        assert (run.state, run.attempt, run.token) == (RunState.FINISHED, 2, 2)
        for attempt in (1, 2):
            assert stored(run, attempt=attempt) == taken(bench, run, attempt=attempt)
        # On twice for the balance and once for the refresh; a zombie would have switched it off.
        assert relay_moves(bench).count(True) == 3


@pytest.mark.fault(
    "16", "the server is gone for longer than the autonomy", trials=1, limit_s=4.0, in_ci=False
)
def test_a_bench_alone_for_longer_than_its_autonomy_switches_off_and_goes_on_later(
    env: dict[str, str], redis_client: redis.Redis, settings: Settings, trial: Trial
) -> None:
    """Nobody renews: off when the authority ends, nothing lost, resumed when it is back."""
    short = {"AUTONOMY_S": "3.0"}
    settings.AUTONOMY_S = 3.0
    with shop_bench(alive=False) as bench, station_worker(bench, env | short):
        uplink = bench.uplink()
        with uplink:
            run = in_its_hold(bench, redis_client)
        alone_at = wall_now()
        trial.happened(bench.guarded.sim.output_is_on())
        bench.guarded.wait_off(alone_at, within_s=4.0)
        trial.off_after(off_at(bench, alone_at))
        assert off_at(bench, alone_at) > 1.0

        with bench.uplink():
            wait_until(partial(has_attempt, run, 2), within_s=60, period_s=0.2)
            assert stored(run, attempt=1) == taken(bench, run, attempt=1)
            finish(bench, run)
        assert run.state == RunState.FINISHED


@pytest.mark.fault(
    "50", "SIGTERM of the worker in the hold, as a deploy does", trials=1, limit_s=5, in_ci=False
)
def test_a_restart_of_the_worker_pauses_its_run(
    env: dict[str, str], redis_client: redis.Redis, trial: Trial
) -> None:
    with charging(env, redis_client) as (bench, run, worker), ExitStack() as workers:
        told_at = wall_now()
        worker.terminate()
        bench.guarded.wait_off(told_at, within_s=5.0)
        trial.off_after(off_at(bench, told_at))
        trial.happened(worker.wait(timeout=30) == 0)
        workers.enter_context(station_worker(bench, env))
        wait_until(partial(has_attempt, run, 2), within_s=60, period_s=0.2)
        finish(bench, run)

        assert run.state == RunState.FINISHED


@pytest.mark.fault(
    "51", "the server is gone and the worker is killed", trials=1, limit_s=5.0, in_ci=False
)
def test_two_faults_at_once_are_answered_by_the_stricter_limit(
    env: dict[str, str], redis_client: redis.Redis, trial: Trial
) -> None:
    with shop_bench(alive=False) as bench, ExitStack() as workers:
        worker = workers.enter_context(station_worker(bench, env))
        with bench.uplink():
            run = in_its_hold(bench, redis_client)
        killed_at = wall_now()
        worker.kill()
        trial.happened(is_gone(worker.pid) or worker.wait(timeout=5))
        bench.guarded.wait_off(killed_at, within_s=5.0)
        trial.off_after(off_at(bench, killed_at))
        workers.enter_context(station_worker(bench, env))

        with bench.uplink():
            wait_until(partial(has_attempt, run, 2), within_s=60, period_s=0.2)
            assert stored(run, attempt=1) == taken(bench, run, attempt=1)
            finish(bench, run)
        assert run.state == RunState.FINISHED
