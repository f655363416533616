"""T4: what a run's rows say beside their figures is as it was sealed, or is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection

from shop.evidence.models import Balance, CellVoltage, VoltageCheck
from shop.jobs.ending import Ending
from shop.jobs.manifest import seal
from shop.jobs.models import Run
from shop.jobs.states import RunState
from shop.quality.models import Nonconformance
from shop.readings.models import Manifest
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.tampering import change, remove, superuser
from tests.faults.verified import ENDED, approved_run, first_fault, verify
from tests.played import play_recheck

LATER = timedelta(hours=3)


@pytest.fixture
def cast(db: None) -> Cast:
    return the_cast()


@pytest.fixture
def run(cast: Cast) -> Run:
    return approved_run(cast)


def disconnect_of(run: Run) -> VoltageCheck:
    return VoltageCheck.objects.get(run=run, kind="DISCONNECT")


def test_a_manifest_says_when_current_stopped(run: Run) -> None:
    stopped = Manifest.objects.get(run=run).body["current_stopped"]

    assert datetime.fromisoformat(stopped["at"]) == disconnect_of(run).current_stopped_at


# checks


def test_cells_that_changed_places_in_a_check_are_named(run: Run) -> None:
    first, second = disconnect_of(run).cells.order_by("position")[:2]
    with superuser("cellvoltage"), connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE shop_cellvoltage DROP CONSTRAINT one_voltage_per_cell_and_check"
        )
        swap = "UPDATE shop_cellvoltage SET cell_id = %s WHERE id = %s"
        cursor.execute(swap, [first.cell_id, second.pk])  # so it lies before the first on disk
        cursor.execute(swap, [second.cell_id, first.pk])

    assert first_fault() == (
        f"CellVoltage {first.pk} (run {run.pk}): is of cell {second.cell.serial}, "
        f"sealed for cell {first.cell.serial} at 1"
    )


def test_a_reading_that_was_given_to_another_cell_is_named(run: Run) -> None:
    row = disconnect_of(run).cells.get(position=2)

    change(CellVoltage, row.pk, cell=factories.make_cells(1)[0])

    assert first_fault().startswith(f"CellVoltage {row.pk} (run {run.pk}): is of cell")


def test_an_edited_age_is_named(run: Run) -> None:
    row = disconnect_of(run).cells.get(position=2)

    change(CellVoltage, row.pk, age_s=1.0)

    assert first_fault().startswith(f"CellVoltage {row.pk} (run {run.pk}): the cell at 2")


def test_a_later_stop_of_the_current_is_named(run: Run) -> None:
    """Otherwise a stale check would be fresh."""
    check = disconnect_of(run)
    assert check.current_stopped_at is not None
    assert check.current_stopped_received_at is not None

    change(
        VoltageCheck,
        check.pk,
        current_stopped_at=check.current_stopped_at + LATER,
        current_stopped_received_at=check.current_stopped_received_at + LATER,
    )

    assert first_fault() == (
        f"VoltageCheck {check.pk} (run {run.pk}): current stopped at another time than was sealed"
    )


@pytest.mark.parametrize("kind", ["PRE_PARALLEL", "DISCONNECT"])
def test_a_check_that_vanished_is_missed(run: Run, kind: str) -> None:
    check = VoltageCheck.objects.get(run=run, kind=kind)
    with superuser("cellvoltage", "voltagecheck"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_cellvoltage WHERE voltage_check_id = %s", [check.pk])
        cursor.execute("DELETE FROM shop_voltagecheck WHERE id = %s", [check.pk])

    assert first_fault() == (
        f"VoltageCheck (run {run.pk}, attempt 1): the manifest shows a "
        f"{check.get_kind_display()} and there is none"
    )


def test_a_check_by_a_meter_that_was_not_there_is_named(run: Run) -> None:
    other = factories.make_station(now=ENDED).instruments.get(role="scanner")

    change(VoltageCheck, disconnect_of(run).pk, meter=other)

    assert f"meter {other.serial_number} is not among the instruments" in first_fault()


# checks and balances


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"simulated": False}, "says that its bench was real; it was sealed as simulated"),
        ({"target_v": 3.5}, "target_v is 3.5, the sealed program's 3.65"),
    ],
)
@pytest.mark.parametrize(
    "row_of", [disconnect_of, lambda run: Balance.objects.get(run=run)], ids=["check", "balance"]
)
def test_another_bench_or_target_is_named(
    run: Run,
    row_of: Callable[[Run], Balance | VoltageCheck],
    values: dict[str, object],
    words: str,
) -> None:
    row = row_of(run)

    change(type(row), row.pk, **values)

    assert first_fault() == f"{type(row).__name__} {row.pk} (run {run.pk}): {words}"


def test_another_policy_is_named(run: Run, cast: Cast) -> None:
    policy = factories.make_policy(by=cast.sade)

    change(Balance, Balance.objects.get(run=run).pk, policy_version=policy)

    assert "its policy is not the one that was sealed" in first_fault()


# the run itself


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"program": {"target_v": 3.65}}, "its program is not the one that was sealed"),
        ({"program_hash": "0" * 64}, "its program is not the one that was sealed"),
        ({"state": RunState.STOPPED}, "is STOPPED, sealed as FINISHED"),
        ({"state": RunState.QUEUED}, "is QUEUED, sealed as FINISHED"),
        ({"simulated": False}, "says that its bench was real; it was sealed as simulated"),
    ],
)
def test_an_edited_run_is_named(run: Run, values: dict[str, object], words: str) -> None:
    with superuser():
        Run.objects.filter(pk=run.pk).update(**values)

    assert first_fault() == f"Run {run.pk}: {words}"


def test_a_run_whose_cell_was_exchanged_is_named(run: Run) -> None:
    run.run_cells.filter(position=1).update(cell=factories.make_cells(1)[0])

    assert first_fault() == f"Run {run.pk}: its cells are not those that were sealed"


# nonconformances


def test_a_nonconformance_of_a_check_that_vanished_is_missed(run: Run, cast: Cast) -> None:
    cells = [rc.cell for rc in run.run_cells.order_by("position")]
    again = play_recheck(
        by=cast.tola, cells=cells, station=run.station, began_at=ENDED + LATER, low=0.6
    )
    verify()
    note = Nonconformance.objects.get(run=again)

    remove(Nonconformance, note.pk)

    assert first_fault() == (
        f"Nonconformance (run {again.pk}): the run opened one against cell {note.cell.serial} "
        "(low at the re-check) and there is none"
    )


def test_a_trip_that_no_cell_is_blamed_for_is_named(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.TRIPPED, token=1)
    seal(run, Ending(RunState.TRIPPED, "a cell was too high"), now=ENDED)

    serial = run.run_cells.order_by("cell__serial")[0].cell.serial
    assert f"against cell {serial} (a protective limit was crossed)" in first_fault()
