"""T4: what each login of the database may do, asked of PostgreSQL as that login."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction

import tests.played
from deploy.roles import Role
from shop.audit.models import AuditEntry
from shop.audit.services import record
from shop.equipment import leases
from shop.equipment.states import OutputState
from shop.jobs.leasing import Held, take
from shop.jobs.models import Run
from shop.jobs.moves import move_run
from shop.jobs.numbers import spend_run_numbers
from shop.jobs.queries import stopped_by
from shop.jobs.resuming import begin_next_attempt
from shop.jobs.services.acts import end_run
from shop.jobs.states import RunState
from tests import factories
from tests.cast import the_cast
from tests.faults.matrix import Trial

USERS = {role: login.user for role, login in settings.DATABASE_LOGINS.items()}
EVIDENCE = (
    "shop_approval",
    "shop_balance",
    "shop_calibrationwithdrawal",
    "shop_commissioning",
    "shop_manifest",
    "shop_readingchunk",
    "shop_supersession",
)


@pytest.fixture
def granted(db: None) -> None:
    call_command("grant_roles", verbosity=0)


def become(role: Role) -> None:
    """For the rest of the transaction, that is of the test."""
    with connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL ROLE "{USERS[role]}"')


def acting_as() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


@contextmanager
def refused() -> Iterator[None]:
    denied = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
    with denied, transaction.atomic():
        yield


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.fault("44", "evidence changed with the login of app or bench", trials=1)
@pytest.mark.parametrize("role", [Role.APP, Role.BENCH])
@pytest.mark.parametrize("table", EVIDENCE)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET id = id",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
        "ALTER TABLE {} DISABLE TRIGGER append_only",
        "DROP TABLE {} CASCADE",
    ],
)
def test_evidence_is_added_and_read_only(
    granted: None, role: Role, table: str, statement: str, trial: Trial
) -> None:
    become(role)

    execute(f"SELECT count(*) FROM {table}")  # noqa: S608
    with refused():
        execute(statement.format(table))
    trial.happened(acting_as() == USERS[role])


@pytest.mark.parametrize("statement", ["UPDATE {} SET number = 1", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_app_adds_to_the_audit_and_changes_nothing_of_it(granted: None, statement: str) -> None:
    cast = the_cast()
    become(Role.APP)

    record(kind=AuditEntry.Kind.SHARED, by=cast.sade, now=factories.NOON)
    with refused():
        execute(statement.format("shop_auditentry"))


@pytest.mark.parametrize("role", [Role.APP, Role.BENCH])
def test_triggers_cannot_be_passed_by(granted: None, role: Role) -> None:
    become(role)

    with refused():
        execute("SET session_replication_role = replica")


def test_granting_again_changes_nothing(granted: None) -> None:
    rights = "SELECT relname, relacl::text FROM pg_class WHERE relacl IS NOT NULL ORDER BY 1"
    with connection.cursor() as cursor:
        cursor.execute(rights)
        before = cursor.fetchall()
        call_command("grant_roles", verbosity=0)
        cursor.execute(rights)
        assert cursor.fetchall() == before


def test_the_app_works_on_everything_that_is_not_evidence(granted: None) -> None:
    cast = the_cast()
    become(Role.APP)

    run = factories.make_run(by=cast.tola)
    run.run_cells.update(active=False)
    execute("UPDATE shop_job SET state = state")
    execute("DELETE FROM django_session")
    execute("DELETE FROM shop_donerequest")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM shop_placement",
        "UPDATE shop_placement SET cell_id = cell_id",
        "UPDATE shop_placement SET position = position",
        "DELETE FROM shop_runcell",
        "UPDATE shop_runcell SET cell_id = cell_id",
        "DELETE FROM shop_run",
        "DELETE FROM shop_job",
        "DELETE FROM shop_jobcell",
        "DELETE FROM shop_stationlease",
        "DELETE FROM shop_pack",
        "DELETE FROM shop_cell",
        "DELETE FROM shop_user",
        "DELETE FROM django_migrations",
    ],
)
def test_the_app_removes_nothing_that_says_where_a_cell_was(granted: None, statement: str) -> None:
    """G10: otherwise a cell whose placement vanished could go into a second pack."""
    become(Role.APP)

    with refused():
        execute(statement)


def test_a_bench_can_run_and_store_a_whole_balance(
    granted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F3: from the lease to the evidence with the bench's rights alone."""
    cast = the_cast()

    def take_as_bench(run_id: int) -> Held | None:
        become(Role.BENCH)
        return take(run_id)

    monkeypatch.setattr(tests.played, "take", take_as_bench)
    run = tests.played.play_run(
        by=cast.tola,
        cells=factories.make_cells(4),
        station=factories.make_station(now=factories.NOON - timedelta(hours=6)),
        ended_at=factories.NOON,
    )

    assert run.state == RunState.FINISHED
    assert run.balance.completeness == "COMPLETE"


def test_a_bench_can_go_on_with_an_interrupted_run_and_end_it(granted: None) -> None:
    """F4: every column that worker and uplink move on that way."""
    run = factories.make_run(
        by=the_cast().tola, state=RunState.INTERRUPTED, token=1, journal_closed_at=factories.NOON
    )
    become(Role.BENCH)

    held = take(run.pk)
    assert held is not None
    assert held.renew()
    begin_next_attempt(held.run, None)
    move_run(held.run, RunState.STOPPING, now=factories.NOON)
    end_run(held.run, RunState.ERROR, cause="The bench was lost.", now=factories.NOON)
    assert leases.release(station_id=run.station_id, token=held.token)
    leases.heartbeat(
        station_id=run.station_id,
        output_state=OutputState.OFF,
        output_at=factories.NOON,
        alarm="",
        highest_token=9,
    )

    run.refresh_from_db()
    assert (run.state, run.attempt, run.job.state) == ("ERROR", 2, "CLAIMED")
    assert run.station.lease.token == 9


def test_a_bench_can_say_who_stopped_its_run(granted: None) -> None:
    """A STOP of the shop reaches the guardian with the person's name."""
    cast = the_cast()
    run = factories.make_run(by=cast.tola)
    Run.objects.filter(pk=run.pk).update(stop_requested_by=cast.bayo)

    become(Role.BENCH)

    assert stopped_by(Run.objects.get(pk=run.pk)) == f"stopped by {cast.bayo.words}"


def test_a_bench_may_keep_the_numbers_of_its_lost_runs(granted: None) -> None:
    become(Role.BENCH)

    assert spend_run_numbers(1)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO shop_approval SELECT * FROM shop_approval",
        "INSERT INTO shop_gatedecision SELECT * FROM shop_gatedecision",
        "INSERT INTO shop_recipeversion SELECT * FROM shop_recipeversion",
        "INSERT INTO shop_calibration SELECT * FROM shop_calibration",
        "UPDATE shop_placement SET removed_at = NULL",
        "UPDATE shop_user SET role = 'SUPERVISOR'",
        "SELECT password FROM shop_user",
        "UPDATE shop_cell SET serial = serial",
        "INSERT INTO shop_supersession SELECT * FROM shop_supersession",
        "INSERT INTO shop_calibrationwithdrawal SELECT * FROM shop_calibrationwithdrawal",
        "INSERT INTO shop_commissioning SELECT * FROM shop_commissioning",
        "SELECT * FROM shop_auditentry",
        "INSERT INTO shop_auditentry (number) VALUES (1)",
        "SELECT * FROM shop_tracelink",
        "SELECT * FROM shop_customer",
        "SELECT * FROM django_session",
    ],
)
def test_a_bench_neither_approves_nor_defines_nor_reads_secrets(
    granted: None, statement: str
) -> None:
    become(Role.BENCH)

    with refused():
        execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shop_run SET stop_requested_at = NULL, stop_requested_by_id = NULL",
        "UPDATE shop_run SET started_by_id = started_by_id",
        "UPDATE shop_run SET policy_version_id = policy_version_id",
        "UPDATE shop_run SET station_id = station_id",
        "UPDATE shop_job SET claimed_by_id = NULL",
        "UPDATE shop_job SET recipe_version_id = recipe_version_id",
        "UPDATE shop_runcell SET cell_id = cell_id",
        "UPDATE shop_stationlease SET station_id = station_id",
        "DELETE FROM shop_runcell",
    ],
)
def test_a_bench_does_not_change_what_people_asked_for(granted: None, statement: str) -> None:
    """F4: a stop that somebody asked for is not taken back."""
    become(Role.BENCH)

    with refused():
        execute(statement)


@pytest.mark.parametrize("role", [Role.APP, Role.BENCH])
def test_a_run_that_is_over_is_not_taken_up_again(granted: None, role: Role) -> None:
    run = factories.make_run(by=the_cast().tola, state=RunState.FINISHED)
    become(role)

    with pytest.raises(IntegrityError, match=f"run {run.pk} cannot go from FINISHED to QUEUED"):
        execute("UPDATE shop_run SET state = 'QUEUED', ended_at = NULL")


@pytest.mark.parametrize("role", [Role.APP, Role.BENCH])
def test_the_token_of_a_lease_never_falls(granted: None, role: Role) -> None:
    """F3: otherwise an old holder could drive the station again."""
    factories.make_station()
    become(role)
    execute("UPDATE shop_stationlease SET token = 7")

    with pytest.raises(IntegrityError, match="cannot fall from 7 to 6"):
        execute("UPDATE shop_stationlease SET token = 6")


# settings and commands
