"""Writing evidence: once, whole, with the windows of the day; refused in words otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import nan

import pytest
from django.db import DatabaseError, transaction

from shop.cells.models import Cell
from shop.evidence.canonical import sha256_of
from shop.evidence.models import Approval, Balance, CapacityTest, CellVoltage, VoltageCheck
from shop.evidence.queries import evidence_of
from shop.evidence.services.approvals import approve_cells
from shop.evidence.services.balances import record_balance
from shop.evidence.services.capacity import import_capacity_file
from shop.evidence.services.checks import record_voltage_check
from shop.jobs.models import Run
from shop.jobs.states import RunState
from shop.quality.models import Nonconformance
from shop.refusals import Refusal, RoleRefusal
from stations.procedures.state import CellResult
from stations.values import NAN, OffProof, Window
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.matrix import Trial
from tests.race import race
from tests.shop.packs.factories import approve, charge, make_bank, make_capacity, results

STOPPED = factories.NOON
NOW = STOPPED + timedelta(minutes=10)
STOP = OffProof(STOPPED, STOPPED, 0.0)
AGE = timedelta(minutes=2)


def codes(caught: pytest.ExceptionInfo[Refusal]) -> list[str]:
    return [problem.code for problem in caught.value.problems]


@pytest.fixture
def run(cast: Cast) -> Run:
    return factories.make_run(by=cast.tola, state=RunState.RUNNING, now=STOPPED, token=1)


def record(run: Run, cells: list[CellResult], kind: str = "DISCONNECT") -> VoltageCheck:
    return record_voltage_check(
        run=run,
        kind=kind,
        meter=run.station.instruments.get(role="scanner"),
        target_v=3.65,
        results=cells,
        current_stopped=None if kind == "PRE_PARALLEL" else STOP,
        simulated=False,
        now=NOW,
    )


def four(*volts: float) -> list[CellResult]:
    return results(volts or (3.641, 3.642, 3.640, 3.643), stopped=STOPPED, age=AGE)


# checks


def test_keeps_each_reading_with_its_window_age_and_meter(run: Run) -> None:
    check = record(run, four())

    assert check.meter.role == "scanner"
    assert check.current_stopped_received_at == STOPPED
    rows = list(check.cells.order_by("position"))
    assert [row.voltage_v for row in rows] == [3.641, 3.642, 3.640, 3.643]
    assert {(row.low_v, row.high_v, row.age_s) for row in rows} == {(3.62, 3.655, 120.0)}
    assert [row.cell_id for row in rows] == list(
        run.run_cells.order_by("position").values_list("cell_id", flat=True)
    )


def test_keeps_a_check_once(run: Run) -> None:
    assert record(run, four()).pk == record(run, four()).pk
    assert VoltageCheck.objects.count() == 1


def test_a_pre_parallel_check_has_no_age(run: Run) -> None:
    rested = [replace(r, age_s=NAN, window=Window(2.0, 3.65)) for r in four()]

    check = record(run, rested, "PRE_PARALLEL")

    assert check.current_stopped_at is None
    assert set(check.cells.values_list("age_s", flat=True)) == {None}


def test_a_check_that_came_too_late_is_kept_without_volts_or_window(run: Run) -> None:
    late = [replace(r, voltage_v=nan, window=Window(nan, nan), verdict="missing") for r in four()]

    check = record(run, late)

    assert set(check.cells.values_list("voltage_v", "low_v", "verdict")) == {
        (None, None, "MISSING")
    }
    assert not Nonconformance.objects.exists()


@pytest.mark.parametrize(
    ("verdict", "kind"), [("fail", "DISCONNECT_LOW"), ("invalid", "READING_ABOVE_WINDOW")]
)
def test_a_cell_out_of_its_window_gets_a_nonconformance(run: Run, verdict: str, kind: str) -> None:
    cells = four()
    cells[1] = replace(cells[1], verdict=verdict, voltage_v=3.59)

    record(run, cells)

    note = Nonconformance.objects.get()
    assert (note.kind, note.cell, note.run) == (kind, run.run_cells.get(position=2).cell, run)
    assert "3.590 V" in note.words


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (four()[:3], "positions"),
        ([*four()[:3], four()[0]], "positions"),
        ([*four()[:3], replace(four()[3], voltage_v=36.4)], "impossible_voltage"),
        ([*four()[:3], replace(four()[3], voltage_v=-36.4)], "impossible_voltage"),
    ],
)
def test_refuses_readings_that_fit_no_cell(run: Run, cells: list[CellResult], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        record(run, cells)

    assert codes(caught) == [code]
    assert not VoltageCheck.objects.exists()


def test_refuses_a_disconnect_check_without_current_stopped(run: Run) -> None:
    with pytest.raises(Refusal, match="when current stopped"):
        record_voltage_check(
            run=run,
            kind="DISCONNECT",
            meter=run.station.instruments.get(role="scanner"),
            target_v=3.65,
            results=four(),
            current_stopped=None,
            simulated=False,
            now=NOW,
        )


# balances


def balance(run: Run, **facts: float) -> Balance | None:
    return record_balance(
        run=run,
        method="TOP",
        target_v=3.65,
        records=[charge("done", at=STOPPED, **facts)],
        manifest_sha256="a" * 64,
        simulated=False,
        now=NOW,
    )


def test_keeps_a_balance_once_with_every_cell(run: Run) -> None:
    made, again = balance(run), balance(run, tail_a=1.9)

    assert made is not None
    assert made == again
    assert (made.completeness, made.tail_a, made.cells.count()) == ("COMPLETE", 0.98, 4)


def test_a_run_that_never_held_leaves_no_balance(run: Run) -> None:
    assert balance(run, cv_s=0.0) is None
    assert not Balance.objects.exists()


def test_evidence_cannot_be_changed_or_deleted(run: Run) -> None:
    """T4: the database itself refuses, whoever asks."""
    check = record(run, four())

    for change in (
        lambda: CellVoltage.objects.filter(voltage_check=check).update(voltage_v=3.65),
        lambda: CellVoltage.objects.filter(voltage_check=check).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


# capacity files


def capacity_file(cells: list[Cell], capacity_ah: str = "200.5") -> bytes:
    rows = [f"{cell.serial},{capacity_ah},2026-11-01" for cell in cells]
    return "\n".join(["serial,capacity_ah,tested_at", *rows]).encode()


def test_imports_every_row_with_its_file(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    cells = factories.make_cells(3)
    data = capacity_file(cells)

    tests = import_capacity_file(name="C:\\lab\\run 1.csv", data=data, by=cast.tola, now=NOW)

    assert [(t.cell, t.capacity_ah, t.row, t.source) for t in tests] == [
        (cell, 200.5, line, "IMPORTED") for line, cell in enumerate(cells, start=2)
    ]
    stored = CapacityTest.objects.first()
    assert stored is not None
    assert stored.file_sha256 == hashlib.sha256(data).hexdigest()
    assert (stored.file_name, stored.imported_by) == ("run 1.csv", cast.tola)


def test_refuses_the_same_file_twice(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    data = capacity_file(factories.make_cells(2))
    import_capacity_file(name="first.csv", data=data, by=cast.tola, now=NOW)

    with pytest.raises(Refusal, match=r"imported on .* as first\.csv") as caught:
        import_capacity_file(name="second.csv", data=data, by=cast.tola, now=NOW)

    assert codes(caught) == ["file_known"]
    assert CapacityTest.objects.count() == 2


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: data + b"\nC-UNKNOWN,200,2026-11-01", "unknown_cell"),
        (lambda data: data.replace(b"200.5", b"20.5", 1), "impossible_capacity"),
        (lambda data: data.replace(b"2026-11-01", b"2027-11-01", 1), "future_test"),
        (lambda data: data + b"\n" + data.splitlines()[1], "cell_twice"),
        (lambda data: data[:-4], "row_time"),
        (lambda data: data + b"\x00", "row_nul"),
    ],
)
def test_a_broken_file_writes_nothing(
    cast: Cast, spoil: Callable[[bytes], bytes], code: str
) -> None:
    factories.make_policy(by=cast.sade)
    data = spoil(capacity_file(factories.make_cells(3)))

    with pytest.raises(Refusal) as caught:
        import_capacity_file(name="x.csv", data=data, by=cast.tola, now=NOW)

    assert codes(caught) == [code]
    assert not CapacityTest.objects.exists()


def test_a_stranger_imports_nothing(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        import_capacity_file(name="x.csv", data=b"", by=cast.stranger, now=NOW)


# approvals


def approvable(cast: Cast) -> list[Cell]:
    cells = make_bank(by=cast.tola, stopped=STOPPED).cells
    for cell in cells:
        make_capacity(cell)
    return cells


def test_an_approval_binds_to_what_was_seen(cast: Cast) -> None:
    cells = approvable(cast)

    approvals = approve(cells, by=cast.sade, now=NOW)

    known = evidence_of(cells[0])
    assert len(approvals) == 4
    assert (approvals[0].evidence_sha256, approvals[0].evidence) == (known.sha256, known.body)
    assert approvals[0].approver_role == "SUPERVISOR"
    assert known.approval is not None


def test_a_hash_read_back_from_the_database_is_the_same(cast: Cast) -> None:
    """What was seen, stored as JSON and read again, still has the hash that was approved."""
    approve(approvable(cast), by=cast.sade, now=NOW)

    for approval in Approval.objects.all():
        assert sha256_of(approval.evidence) == approval.evidence_sha256


def test_refuses_a_technician(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        approve(approvable(cast), by=cast.bayo, now=NOW)


def test_refuses_who_ran_the_job(cast: Cast) -> None:
    cells = make_bank(by=cast.sade, stopped=STOPPED).cells
    for cell in cells:
        make_capacity(cell)

    with pytest.raises(Refusal, match="You ran the balance") as caught:
        approve(cells, by=cast.sade, now=NOW)

    assert codes(caught) == ["own_approval"] * 4


def test_refuses_stale_evidence_of_one_cell_and_approves_none(cast: Cast) -> None:
    cells = approvable(cast)
    seen = {cell.serial: evidence_of(cell).sha256 for cell in cells}
    make_capacity(cells[2], 199.0, tested_at=STOPPED)

    with pytest.raises(Refusal) as caught:
        approve_cells(cells=cells, evidence_sha256=seen, by=cast.sade, now=NOW)

    assert codes(caught) == ["stale_evidence"]
    assert cells[2].serial in caught.value.problems[0].words
    assert not Approval.objects.exists()


def test_refuses_a_cell_that_is_not_ready(cast: Cast) -> None:
    with pytest.raises(Refusal) as caught:
        approve(make_bank(by=cast.tola, stopped=STOPPED).cells[:1], by=cast.sade, now=NOW)

    assert codes(caught) == ["no_capacity"]


def test_refuses_cells_and_hashes_that_do_not_match(cast: Cast) -> None:
    cells = approvable(cast)

    for chosen, seen in (([], {}), (cells, {}), ([cells[0], cells[0]], {cells[0].serial: "x"})):
        with pytest.raises(Refusal):
            approve_cells(cells=chosen, evidence_sha256=seen, by=cast.sade, now=NOW)


@pytest.mark.fault("39", "two supervisors approve one cell at once", trials=5)
@pytest.mark.django_db(transaction=True)
def test_two_approvers_at_once_one_wins(trial: Trial) -> None:
    cast = the_cast()
    cells = approvable(cast)
    seen = {cell.serial: evidence_of(cell).sha256 for cell in cells}

    def approver(person: str) -> Callable[[int], str]:
        def attempt(number: int) -> str:
            try:
                approve_cells(
                    cells=[cells[number]],
                    evidence_sha256={cells[number].serial: seen[cells[number].serial]},
                    by=getattr(cast, person),
                    now=NOW,
                )
            except Refusal as refusal:
                return refusal.problems[0].code
            return "won"

        return attempt

    rounds = race([approver("sade"), approver("kemi")], rounds=4)

    trial.times = len(rounds)
    trial.happened(all(len(answers) == 2 for answers in rounds))
    assert [sorted(r) for r in rounds] == [["already_approved", "won"]] * 4
    assert Approval.objects.count() == 4
