"""Readings that are in the bench's journal and not yet known to be stored: rows 5 and 7."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from subprocess import Popen

import pytest
import redis
from pytest_django import Settings

from shop.jobs.models import Run
from shop.jobs.services.starts import send_run
from shop.jobs.states import RunState
from stations.clock import guard_s
from stations.guardian_client import GuardianBench
from stations.sim.proxy import PASS, Proxy, delay
from tests.faults.matrix import Trial
from tests.faults.processes import of_bench, running
from tests.faults.readings import all_kept_once, kept, taken
from tests.faults.test_worker import finish, in_its_hold, is_interrupted
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.shop.jobs.test_worker import SHORT, child_of, has_attempt, station_worker
from tests.shop.readings.sessions import leased_run, session_of, take
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]
REPLAYED_S = 60.0  # from the uplink's new start until everything is stored
UNHEARD_S = 0.5  # that a word to or from the database takes, one way


@pytest.fixture
def env(process_env: dict[str, str], settings: Settings) -> dict[str, str]:
    for name, value in SHORT.items():
        setattr(settings, name, value)
    short = {name: str(value) for name, value in SHORT.items()}
    ours = {"CELLSHOP_DATA": str(settings.CELLSHOP_DATA), "CHUNK_MAX_SAMPLES": "5"}
    return process_env | short | ours


@contextmanager
def uplink_of(bench: ShopBench, env: dict[str, str], log: Path) -> Iterator[Popen[bytes]]:
    with running(of_bench(bench.station.slug)["uplink"], env, log) as process:
        wait_until(lambda: "ready" in log.read_text(), within_s=60)
        yield process


def kill(process: Popen[bytes]) -> None:
    process.kill()
    assert process.wait(timeout=10) == -signal.SIGKILL


def taken_until(session: GuardianBench, condition: Callable[[], bool]) -> None:
    """Take readings, as a runner does that lives, until it holds."""

    def one_more() -> bool:
        take(session, 1)
        return condition()

    wait_until(one_more, within_s=30, period_s=0.0)


def replayed_s(bench: ShopBench, run: Run, env: dict[str, str], log: Path) -> float:
    """Seconds from the start of another uplink until it has stored the whole journal."""
    began_s = guard_s()
    with uplink_of(bench, env, log):
        wait_until(lambda: all_kept_once(bench, run), within_s=REPLAYED_S, period_s=0.1)
    return guard_s() - began_s


@pytest.mark.fault(
    "5", "kill -9 of the uplink, readings not yet sent", trials=5, limit_s=REPLAYED_S
)
def test_what_an_uplink_had_not_sent_is_stored_by_the_next(
    env: dict[str, str], tmp_path: Path, trial: Trial
) -> None:
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with (
            uplink_of(bench, env, tmp_path / "first.log") as uplink,
            session_of(bench, run) as session,
        ):
            taken_until(session, lambda: bool(kept(run)))
            os.kill(uplink.pid, signal.SIGSTOP)
            take(session, 8)
            trial.happened(len(kept(run)) < len(taken(bench, run)))
            kill(uplink)
            session.close(kind="ERROR", reason="test")
        trial.off_after(replayed_s(bench, run, env, tmp_path / "second.log"))


@pytest.mark.fault(
    "5",
    "kill -9 of the uplink before it hears of its COMMIT",
    trials=5,
    limit_s=REPLAYED_S,
    in_ci=False,
)
def test_what_was_committed_unheard_is_not_stored_twice(
    env: dict[str, str], tmp_path: Path, trial: Trial
) -> None:
    with shop_bench(alive=False) as bench, line_to_the_database(env) as (line, near):
        run = leased_run(bench)
        with (
            uplink_of(bench, near, tmp_path / "first.log") as uplink,
            session_of(bench, run) as session,
        ):
            taken_until(session, lambda: bool(kept(run)))
            before = len(kept(run))
            line.line = delay(UNHEARD_S)
            taken_until(session, lambda: len(kept(run)) > before)
            trial.happened(line.held)  # the database's word that it is done
            kill(uplink)
            session.close(kind="ERROR", reason="test")
        line.line = PASS
        trial.off_after(replayed_s(bench, run, near, tmp_path / "second.log"))


@contextmanager
def line_to_the_database(env: dict[str, str]) -> Iterator[tuple[Proxy, dict[str, str]]]:
    """A line that can be spoiled, and the environment of a program that is at its near end."""
    url = env["DATABASE_URL"]
    address = url.rpartition("@")[2].partition("/")[0]
    host, _, port = address.rpartition(":")
    with Proxy((host, int(port))) as line:
        yield line, env | {"DATABASE_URL": url.replace(address, f"127.0.0.1:{line.port}")}


@pytest.mark.fault(
    "7", "SIGSTOP of a worker with readings unsent, its lease taken", trials=1, in_ci=False
)
def test_readings_that_come_late_stay_in_their_attempt_and_move_no_verdict(
    env: dict[str, str], redis_client: redis.Redis, trial: Trial
) -> None:
    """Stricter than late readings that are marked: nobody goes on before they are stored."""
    with shop_bench(alive=False) as bench, ExitStack() as workers:
        worker = workers.enter_context(station_worker(bench, env))
        with bench.uplink():
            run = in_its_hold(bench, redis_client)
        zombies = [worker.pid, child_of(worker.pid)]
        for pid in zombies:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: is_interrupted(run), within_s=60, period_s=0.2)
        workers.enter_context(station_worker(bench, env))
        send_run(run.pk, bench.station.slug)
        unsent = len(taken(bench, run)) - len(kept(run))
        trial.happened(unsent > 0 and not has_attempt(run, 2))

        with bench.uplink():
            wait_until(partial(has_attempt, run, 2), within_s=60, period_s=0.2)
            assert all_kept_once(bench, run, attempt=1)
            bench.at_step(run, "balance")
            for pid in zombies:
                os.kill(pid, signal.SIGCONT)
            finish(bench, run)

        assert (run.state, run.attempt, run.token) == (RunState.FINISHED, 2, 2)
        assert all_kept_once(bench, run, attempt=1)
        assert all_kept_once(bench, run, attempt=2)
