"""Writing evidence: checks, balances, capacities, approvals.

Each is one transaction; what is recorded is never changed.  Recording the same thing of a run
again returns what is stored, for a worker may have died between writing and saying so.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.cells.services import lock_cells, touch_cells
from shop.equipment.models import Instrument
from shop.evidence import queries
from shop.evidence.canonical import approval_body
from shop.evidence.models import (
    Approval,
    Balance,
    CapacityTest,
    CellBalance,
    CellVoltage,
    VoltageCheck,
)
from shop.evidence.rules import capacity_file
from shop.evidence.rules.approval import approval_problems
from shop.evidence.rules.balance import BalanceFigures, balance_of, cells_of, stopped_of
from shop.evidence.rules.capacity_file import CapacityRow
from shop.evidence.rules.measured import capacity_of
from shop.evidence.rules.voltages import POSSIBLE_V, is_number
from shop.evidence.values import CellEvidence
from shop.jobs.models import Run
from shop.people.models import User
from shop.people.roles import Act, require
from shop.quality.models import Nonconformance
from shop.quality.services import open_nonconformance
from shop.refusals import Problem, Refusal, StaleTransition, refuse
from shop.signing.models import SigningKey
from shop.signing.services import Signer, signer
from stations.procedures.state import CellResult, Record
from stations.values import OffProof

# B7, B8: what a verdict of a check opens, and in which words.
DEPARTURES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("DISCONNECT", "FAIL"): (
        Nonconformance.Kind.DISCONNECT_LOW,
        "is too low at the disconnect check",
    ),
    ("DISCONNECT", "INVALID"): (
        Nonconformance.Kind.READING_ABOVE_WINDOW,
        "read above the window twice at the disconnect check",
    ),
    ("RECHECK", "FAIL"): (Nonconformance.Kind.RECHECK_LOW, "is low at the re-check"),
}
# B8: a bad contact in the bank leaves a healthy cell as low as a leak does, so the first failure
# is the bank's; the second one is the cell's.
FIRST_LOW = "Tighten the links, repeat the hold, and check again."
LOW_AGAIN = "It was low before: put it aside for a supervisor's decision."


def record_voltage_check(
    *,
    run: Run,
    kind: str,
    meter: Instrument,
    target_v: float,
    results: Sequence[CellResult],
    current_stopped: OffProof | None,
    simulated: bool,
    now: datetime,
    cell: int = 0,
) -> VoltageCheck:
    """The check of every cell of a run, or of the one at `cell`, with the windows of the bench.

    `current_stopped` is None only before any current.  A cell that failed after it, or read
    above its window twice, gets a nonconformance.
    """
    cells = queries.cells_of_run(run)
    if cell:
        cells = {position: one for position, one in cells.items() if position == cell}
    refuse(_reading_problems(kind, results, cells, current_stopped))
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        touch_cells(cells.values())
        known = VoltageCheck.objects.filter(
            run=run,
            kind=kind,
            current_stopped_at=current_stopped.at if current_stopped else None,
        ).first()
        if known is not None:
            return known
        check = VoltageCheck.objects.create(
            run=run,
            kind=VoltageCheck.Kind(kind),
            meter=meter,
            target_v=target_v,
            current_stopped_at=current_stopped.at if current_stopped else None,
            current_stopped_received_at=current_stopped.received_at if current_stopped else None,
            policy_version=run.policy_version,
            by_id=run.started_by_id,
            simulated=simulated,
            recorded_at=now,
        )
        CellVoltage.objects.bulk_create(
            _cell_voltage(check, cells[result.position], result) for result in results
        )
        _open_departures(run, kind, cells, results, now)
    return check


def _cell_voltage(check: VoltageCheck, cell: Cell, result: CellResult) -> CellVoltage:
    return CellVoltage(
        voltage_check=check,
        cell=cell,
        position=result.position,
        voltage_v=_number(result.voltage_v),
        low_v=_number(result.window.low),
        high_v=_number(result.window.high),
        age_s=_number(result.age_s),
        at=result.at,
        received_at=result.received_at,
        verdict=CellVoltage.Verdict(result.verdict.upper()),
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _reading_problems(
    kind: str,
    results: Sequence[CellResult],
    cells: Mapping[int, Cell],
    current_stopped: OffProof | None,
) -> list[Problem]:
    """Readings that fit no cell of the run, or that no cell can show."""
    found = []
    if sorted(result.position for result in results) != sorted(cells):
        found.append(
            Problem(
                "positions",
                f"The check names {len(results)} places, the run has {len(cells)} cells.",
                "Measure every cell of the run once.",
            )
        )
    if kind != VoltageCheck.Kind.PRE_PARALLEL and current_stopped is None:
        found.append(
            Problem(
                "no_current_stopped",
                "Nobody knows when current stopped, so the check has no age.",
                "Prove the output off, then measure.",
            )
        )
    found.extend(
        Problem(
            "impossible_voltage",
            f"Cell {result.position} reads {result.voltage_v:.3f} V, which no cell can show.",
            "Check the sense leads and measure again.",
        )
        for result in results
        if is_number(result.voltage_v) and not POSSIBLE_V.contains(result.voltage_v)
    )
    return found


def _open_departures(
    run: Run, kind: str, cells: Mapping[int, Cell], results: Sequence[CellResult], now: datetime
) -> None:
    for result in results:
        departure = DEPARTURES.get((kind, result.verdict.upper()))
        if departure is not None:
            opens, words = departure
            cell = cells[result.position]
            open_nonconformance(
                cell=cell,
                kind=opens,
                words=f"Cell {cell.serial} {words}: {result.voltage_v:.3f} V."
                + _what_next(cell, opens),
                run=run,
                now=now,
            )


def _what_next(cell: Cell, kind: str) -> str:
    if kind != Nonconformance.Kind.RECHECK_LOW:
        return ""
    before = Nonconformance.objects.filter(cell=cell, kind=kind).exists()
    return f" {LOW_AGAIN if before else FIRST_LOW}"


def record_balance(
    *,
    run: Run,
    method: str,
    target_v: float,
    records: Sequence[Record],
    manifest_sha256: str,
    simulated: bool,
    now: datetime,
) -> Balance | None:
    """The balance that a run's records show, one row for the group and one per cell.

    Cells that are charged one by one have their own figures, and no row before their hold.
    None, and nothing written, where the current never came to its CV hold.
    """
    figures = balance_of(records)
    if figures is None:
        return None
    cells = queries.cells_of_run(run)
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        touch_cells(cells.values())
        known = Balance.objects.filter(run=run).first()
        if known is not None:
            return known
        balance = Balance.objects.create(
            run=run,
            method=Balance.Method(method),
            target_v=target_v,
            completeness=Balance.Completeness(figures.completeness),
            remark=figures.remark,
            tail_a=figures.tail_a,
            done_a=figures.done_a,
            partial_a=figures.partial_a,
            cv_s=figures.cv_s,
            charge_ah=figures.charge_ah,
            policy_version=run.policy_version,
            recipe_version=run.job.recipe_version,
            manifest_sha256=manifest_sha256,
            simulated=simulated,
            recorded_at=now,
        )
        own, stops = cells_of(records), stopped_of(records)
        CellBalance.objects.bulk_create(
            _cell_balance(balance, position, cell, own.get(position), stops.get(position))
            for position, cell in cells.items()
            if position in own or not own
        )
    return balance


def _cell_balance(
    balance: Balance,
    position: int,
    cell: Cell,
    own: BalanceFigures | None,
    stopped: OffProof | None,
) -> CellBalance:
    row = CellBalance(balance=balance, cell=cell, position=position)
    if own is not None:
        row.completeness, row.remark = own.completeness, own.remark
        row.tail_a, row.cv_s, row.charge_ah = own.tail_a, own.cv_s, own.charge_ah
        row.current_stopped_at = stopped.at if stopped else None
        row.current_stopped_received_at = stopped.received_at if stopped else None
    return row


def record_capacity_test(
    *,
    run: Run,
    records: Sequence[Record],
    current_stopped: OffProof,
    manifest_sha256: str,
    simulated: bool,
    now: datetime,
) -> CapacityTest | None:
    """The capacity that the run of one cell measured (B16); None where it did not.

    It is of the moment at which current stopped.
    """
    figures = capacity_of(records)
    if figures is None:
        return None
    (cell,) = queries.cells_of_run(run).values()
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        touch_cells([cell])
        known = CapacityTest.objects.filter(run=run).first()
        if known is not None:
            return known
        load = run.station.instruments.get(role="load")
        return CapacityTest.objects.create(
            cell=cell,
            source=CapacityTest.Source.MEASURED,
            capacity_ah=figures.capacity_ah,
            energy_wh=figures.energy_wh,
            tested_at=current_stopped.received_at,
            discharge_c_rate=figures.current_a / cell.batch.cell_type.capacity_ah,
            instrument_text=str(load)[:100],
            run=run,
            manifest_sha256=manifest_sha256,
            simulated=simulated,
            recorded_at=now,
        )


def import_capacity_file(*, name: str, data: bytes, by: User, now: datetime) -> list[CapacityTest]:
    """Every row of a capacity file as a test of its cell, or a list of problems and nothing.

    The file's name, SHA-256 and line stay with each test; the same file is taken once.
    """
    require(by.role, Act.IMPORT_CAPACITY)
    sha256 = hashlib.sha256(data).hexdigest()
    refuse(_known_file(sha256))
    rows, found = capacity_file.read_file(data)
    if not rows:
        refuse(capacity_file.shortened(found))
    cells = {
        cell.serial: cell
        for cell in Cell.objects.filter(serial__in={row.serial for row in rows}).select_related(
            "batch__cell_type"
        )
    }
    rated_ah = {serial: cell.batch.cell_type.capacity_ah for serial, cell in cells.items()}
    _, policy = queries.gate_policy()
    found += capacity_file.row_problems(rows, rated_ah, policy.capacity, now)
    refuse(capacity_file.shortened(found))
    tests = [_capacity_test(cells[row.serial], row, name, sha256, by, now) for row in rows]
    try:
        with transaction.atomic():
            touch_cells(cells.values())
            CapacityTest.objects.bulk_create(tests)
            told = {"records": [test.told for test in tests]}
            audit.record(kind=AuditEntry.Kind.IMPORTED, by=by, now=now, data=told)
    except IntegrityError as error:  # the same file, at the same moment
        raise Refusal(_known_file(sha256)) from error
    return tests


def _capacity_test(
    cell: Cell, row: CapacityRow, name: str, sha256: str, by: User, now: datetime
) -> CapacityTest:
    return CapacityTest(
        cell=cell,
        source=CapacityTest.Source.IMPORTED,
        capacity_ah=row.capacity_ah,
        tested_at=row.tested_at,
        energy_wh=row.energy_wh,
        temperature_c=row.temperature_c,
        discharge_c_rate=row.discharge_c_rate,
        instrument_text=row.instrument,
        file_name=_shown(name),
        file_sha256=sha256,
        row=row.line,
        imported_by=by,
        recorded_at=now,
    )


def _shown(name: str) -> str:
    """A file's name without its folders and unprintable signs."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in base if sign.isprintable())[:200] or "capacity.csv"


def _known_file(sha256: str) -> list[Problem]:
    first = CapacityTest.objects.filter(file_sha256=sha256).order_by("pk").first()
    if first is None:
        return []
    return [
        Problem(
            "file_known",
            f"This very file was imported on {first.recorded_at:%Y-%m-%d %H:%M} UTC as "
            f"{first.file_name}.",
            "Nothing to do; import another file.",
        )
    ]


def approve_cells(
    *, cells: Sequence[Cell], evidence_sha256: Mapping[str, str], by: User, now: datetime
) -> list[Approval]:
    """A supervisor approves cells on the evidence that was seen (G1), all or none.

    `evidence_sha256` is by serial: the hash that came with what was shown.
    """
    require(by.role, Act.APPROVE)
    _, policy = queries.gate_policy()
    refuse(_asked_problems(cells, evidence_sha256))
    with transaction.atomic():
        # Two approvers of one cell take turns; the second is told that it is approved.
        lock_cells(cells)
        evidence = queries.evidence_of_cells(cells)
        refuse(
            problem
            for cell in cells
            for problem in approval_problems(
                evidence[cell.serial],
                approver=by.pk,
                approver_role=by.role,
                seen_sha256=evidence_sha256.get(cell.serial, ""),
                policy=policy,
                now=now,
            )
        )
        office = signer(SigningKey.Purpose.APPROVALS, now=now)
        approvals = [_approval(cell, evidence[cell.serial], by, office, now) for cell in cells]
        try:
            with transaction.atomic():
                return Approval.objects.bulk_create(approvals)
        except IntegrityError as error:
            raise StaleTransition("A cell", "without approval") from error


def _approval(
    cell: Cell, evidence: CellEvidence, by: User, office: Signer, now: datetime
) -> Approval:
    approval = Approval(
        cell=cell,
        evidence_sha256=evidence.sha256,
        evidence=evidence.body,
        approved_by=by,
        approver_role=by.role,
        at=now,
        key=office.key,
    )
    approval.signature = office.sign(
        approval_body(
            cell=cell.serial,
            evidence_sha256=approval.evidence_sha256,
            approved_by=by.pk,
            approver_role=approval.approver_role,
            at=now,
            signature=office.named,
        )
    )
    return approval


def _asked_problems(cells: Sequence[Cell], evidence_sha256: Mapping[str, str]) -> list[Problem]:
    serials = [cell.serial for cell in cells]
    if not serials:
        return [Problem("no_cells", "No cell was chosen.", "Choose the cells to approve.")]
    if len(set(serials)) < len(serials) or set(evidence_sha256) != set(serials):
        return [
            Problem(
                "cells_and_evidence",
                "The cells and the evidence that was seen do not match one to one.",
                "Load the approvals again and approve what you see.",
            )
        ]
    return []
