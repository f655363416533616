"""A pytest plugin: `-p tests.faults.controls.without --without <name>` takes a safeguard away."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from tests.faults.controls import CONTROLS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without", choices=sorted(CONTROLS), help="the safeguard to take away")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Everything is imported by now."""
    PATCHES.get(session.config.getoption("without"), _nothing)()


@pytest.fixture(autouse=True)
def _database(request: pytest.FixtureRequest) -> None:
    """In the test's own database, once it has one."""
    statement = STATEMENTS.get(request.config.getoption("without"))
    if statement is None:
        return
    request.getfixturevalue("db" if "db" in request.fixturenames else "transactional_db")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def _nothing() -> None: ...


def replace_everywhere(original: object, other: object) -> None:
    """In every module of ours that has it by name."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("api", "shop", "stations", "tests"):
            for word in [w for w, value in vars(module).items() if value is original]:
                setattr(module, word, other)


def _of_the_guardian(name: str) -> Callable[[], None]:
    def patch() -> None:
        from tests.faults import guarded

        setattr(guarded, "STATIONS", ("tests.faults.controls.guardian", name))  # noqa: B010

    return patch


def _lease_token() -> None:
    from shop.equipment import leases

    said = "AND token = %(token)s AND owner IS NOT NULL\n   AND expires_at"
    assert said in leases.HOLD
    setattr(leases, "HOLD", leases.HOLD.replace(said, "AND expires_at"))  # noqa: B010


def _row_lock() -> None:
    from shop.cells import services

    def nobody_waits(cells: Iterable[object]) -> None: ...

    replace_everywhere(services.lock_cells, nobody_waits)
    replace_everywhere(services.touch_cells, nobody_waits)


def _compare_and_set() -> None:
    from shop.jobs import moves
    from shop.jobs.models import Job, JobEvent

    def look_then_write(job: Any, to: str, *, kind: str, by: Any, now: Any, **values: Any) -> None:
        names = ("station", "claimed_by", "claimed_at")
        Job.objects.filter(pk=job.pk).update(state=to, **{n: values[n] for n in names})
        JobEvent.objects.create(job=job, kind=kind, by=by, at=now)

    replace_everywhere(moves.move_job, look_then_write)


def _idempotency_key() -> None:
    from shop.requests import services
    from shop.requests.models import DoneRequest

    def forgetful(**_: Any) -> DoneRequest:
        return DoneRequest()

    replace_everywhere(services.begin, forgetful)


def _signature() -> None:
    from shop.signing import signatures

    def trusting(*_: Any) -> bool:
        return True

    replace_everywhere(signatures.is_signed, trusting)


PATCHES: Mapping[str, Callable[[], None]] = {
    "compare-and-set": _compare_and_set,
    "contactor-seen-open": _of_the_guardian("contactor-seen-open"),
    "dead-man": _of_the_guardian("dead-man"),
    "guardian-token": _of_the_guardian("guardian-token"),
    "idempotency-key": _idempotency_key,
    "lease-token": _lease_token,
    "row-lock": _row_lock,
    "signature": _signature,
}

EVERY_TRIGGER = """
DO $$
DECLARE on_table regclass; named text;
BEGIN
    FOR on_table, named IN
        SELECT tgrelid, tgname FROM pg_trigger WHERE tgname LIKE 'append_only%' LOOP
        EXECUTE format('ALTER TABLE %s {act} TRIGGER %I', on_table, named);
    END LOOP;
END $$
"""
STATEMENTS: Mapping[str, str] = {
    "append-only": EVERY_TRIGGER.replace("{act}", "DISABLE"),
    "enable-always": EVERY_TRIGGER.replace("{act}", "ENABLE"),
    "unique-index": "DROP INDEX IF EXISTS cell_in_one_pack",
}
