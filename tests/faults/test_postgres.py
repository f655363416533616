"""PostgreSQL crashes, hangs or keeps a lock during a run: the bench goes on, nothing is lost.

Requirement F4.  The lease outlives these faults here; what a bench does when it does not is
asked elsewhere.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from pytest_django import Settings

from shop.jobs.models import Run
from shop.jobs.states import RunState
from stations.clock import wall_now
from tests.faults.matrix import Trial
from tests.faults.night import PERIOD_S, Night, a_night, leases, pause
from tests.faults.own_servers import (
    OwnPostgres,
    embedded_postgres,
    own_postgres,
    postmaster,
)
from tests.faults.readings import all_kept_once, kept, period_p99_s, taken
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
REPLAYED_S = 60.0  # from the return until every sample of the absence is stored
LONG_LEASE = {
    "LEASE_TTL_S": "240",
    "LEASE_RENEW_S": "5",
    "LEASE_GRACE_S": "60",
    "SELF_FENCE_S": "180",
}
TABLES = "shop_readingchunk, shop_run, shop_stationlease, shop_personact, shop_jobevent"


@pytest.fixture
def postgres(process_env: dict[str, str]) -> Iterator[OwnPostgres]:
    with own_postgres() as server:
        yield server


@pytest.fixture
def night(
    postgres: OwnPostgres, process_env: dict[str, str], settings: Settings, tmp_path: Path
) -> Iterator[Night]:
    env = process_env | LONG_LEASE | {"DATABASE_URL": postgres.url}
    with a_night(env, settings, tmp_path, alive=False) as night:
        yield night


@pytest.fixture
def in_full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("all_trials"))


@contextmanager
def crashed(postgres: OwnPostgres) -> Iterator[bool]:
    """Down until the block ends; whether every process of it has gone."""
    pids = postgres.pids
    postgres.crash()
    yield not any(Path(f"/proc/{pid}").exists() for pid in pids)
    postgres.start()


@contextmanager
def frozen(postgres: OwnPostgres) -> Iterator[bool]:
    """Whether every process of it is stopped."""
    with postgres.frozen() as pids:
        # One that had just ended stays a zombie: its parent is stopped too.
        wait_until(lambda: {state_of(pid) for pid in pids} <= {"T", "Z"}, what="all to stop")
        yield state_of(pids[0]) == "T"


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def locked(postgres: OwnPostgres) -> Iterator[bool]:
    """What a run writes is locked, as by a migration."""
    with psycopg.connect(postgres.url.replace("postgres://", "postgresql://")) as somebody:
        somebody.execute(f"LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE")
        yield True


Broken = Callable[[OwnPostgres], AbstractContextManager[bool]]


def goes_on_without(
    night: Night, postgres: OwnPostgres, broken: Broken, away_s: float, trial: Trial
) -> None:
    with night.programs("worker", "uplink", "office", "beat"):
        run = night.charging()
        connections.close_all()
        gone_at = wall_now()
        with broken(postgres) as happened:
            trial.happened(happened)
            pause(away_s)
            assert night.bench.guarded.sim.output_is_on()
        back_at = wall_now()
        connections.close_all()

        assert period_p99_s(taken(night.bench, run), gone_at, back_at) < 2 * PERIOD_S
        trial.off_after(stored_after(night, run))
        assert Run.objects.get(pk=run.pk).state == RunState.RUNNING
        run = night.stop(run)
    assert (run.state, run.cause, run.attempt) == (RunState.STOPPED, "stopped by Tola", 1)
    assert len(leases(run)) == 1
    assert all_kept_once(night.bench, run)


@pytest.mark.fault(
    "15", "embedded PostgreSQL killed by -9", trials=1, in_ci=False, limit_s=REPLAYED_S
)
def test_a_run_goes_on_while_the_embedded_server_is_started_again(
    process_env: dict[str, str], settings: Settings, tmp_path: Path, trial: Trial
) -> None:
    env = {name: value for name, value in process_env.items() if name != "DATABASE_URL"}
    with (
        embedded_postgres() as data,
        a_night(env | LONG_LEASE, settings, tmp_path, alive=False) as night,
    ):
        (data / "benches").symlink_to(Path(settings.CELLSHOP_DATA) / "benches")
        with night.at(env, CELLSHOP_DATA=str(data)).programs("worker", "uplink", "office", "beat"):
            run, killed = night.charging(), postmaster(data)
            connections.close_all()
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: postmaster(data) not in (0, killed), within_s=60)
            trial.happened(not Path(f"/proc/{killed}").exists())
            wait_until(connects, within_s=60)

            trial.off_after(stored_after(night, run))
            assert Run.objects.get(pk=run.pk).state == RunState.RUNNING
            run = night.stop(run)
        assert (run.cause, run.attempt, len(leases(run))) == ("stopped by Tola", 1, 1)
        assert all_kept_once(night.bench, run)


def connects() -> bool:
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    return True


def stored_after(night: Night, run: Run) -> float:
    """Seconds from now until all that was taken before now is stored."""
    now, reached = wall_now(), len(taken(night.bench, run))
    wait_until(lambda: len(kept(run)) >= reached, within_s=90, period_s=0.5)
    return (wall_now() - now).total_seconds()


@pytest.mark.fault("15", "PostgreSQL crashed for 20 s", trials=1, in_ci=False, limit_s=REPLAYED_S)
def test_a_run_goes_on_while_postgresql_recovers(
    night: Night, postgres: OwnPostgres, in_full: bool, trial: Trial
) -> None:
    goes_on_without(night, postgres, crashed, 20.0 if in_full else 5.0, trial)


@pytest.mark.fault("17", "PostgreSQL frozen for 90 s", trials=1, limit_s=REPLAYED_S)
def test_a_run_goes_on_while_postgresql_is_frozen(
    night: Night, postgres: OwnPostgres, in_full: bool, trial: Trial
) -> None:
    goes_on_without(night, postgres, frozen, 90.0 if in_full else 8.0, trial)


@pytest.mark.fault(
    "17", "tables of a run locked for 90 s", trials=1, in_ci=False, limit_s=REPLAYED_S
)
def test_a_run_goes_on_while_its_tables_are_locked(
    night: Night, postgres: OwnPostgres, in_full: bool, trial: Trial
) -> None:
    goes_on_without(night, postgres, locked, 90.0 if in_full else 8.0, trial)
