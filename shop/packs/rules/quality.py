"""G7: nothing stands against a cell, no other pack holds it, calibrated instruments measured it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.equipment.states import InstrumentRole
from shop.evidence.policy import GatePolicy
from shop.evidence.rules.approval import open_nonconformances
from shop.evidence.values import CalibrationSpan, CellEvidence, InstrumentUse
from shop.packs.findings import Finding, Fix, Plan, Verdict

RULE = "G7"
WHY_CALIBRATED = "a volt that nobody can trace proves nothing"
CALIBRATE = Fix(
    "calibrate",
    "Measure again with a calibrated instrument; if a certificate covers that day, record it.",
)


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    for cell in cells:
        yield _nonconformances(cell)
        yield _placement(cell)
        yield _instruments(cell, policy)


def _nonconformances(cell: CellEvidence) -> Finding:
    standing = open_nonconformances(cell)
    if not standing:
        return Finding(
            RULE,
            Verdict.PASS,
            f"Nothing stands against cell {cell.serial}.",
            value="no open nonconformance",
            cell=cell.serial,
        )
    return Finding(
        RULE,
        Verdict.FAIL,
        f"Cell {cell.serial} has an open nonconformance: {standing[0]}",
        value=f"{len(standing)} open",
        limit="none",
        why="what is known to be wrong is decided on before it is built in",
        fix=Fix("dispose", "Let a supervisor decide: use as is, rework or scrap."),
        cell=cell.serial,
    )


def _placement(cell: CellEvidence) -> Finding:
    if not cell.packed_in:
        return Finding(RULE, Verdict.PASS, f"Cell {cell.serial} is in no pack.", cell=cell.serial)
    return Finding(
        RULE,
        Verdict.FAIL,
        f"Cell {cell.serial} is already in pack {cell.packed_in}.",
        value=f"in {cell.packed_in}",
        limit="in no pack",
        why="one cell is in one pack",
        fix=Fix("choose_cell", "Scan the cell's label again, or choose another cell."),
        cell=cell.serial,
    )


def _instruments(cell: CellEvidence, policy: GatePolicy) -> Finding:
    """The meters of the checks that count whatever their role, the balance's by role, each there.

    A role that the manifest does not name is missing, not calibrated.
    """
    roles = policy.roles_of(cell.balance.method if cell.balance else "")
    uses = [u for u in cell.balance.instruments if u.role in roles] if cell.balance else []
    there = {use.role for use in uses}
    if cell.disconnect is not None and (cell.disconnect.is_by_hand or cell.disconnect.is_led):
        there.add(InstrumentRole.SCANNER)  # in whose place a meter went from cell to cell
    absent = [role for role in roles if role not in there]
    if absent or cell.disconnect is None:
        return Finding(
            RULE,
            Verdict.MISSING,
            f"No record says which instruments measured cell {cell.serial}.",
            value=f"no {' and no '.join(absent)}" if absent else "no meter",
            limit=" and ".join(roles),
            why=WHY_CALIBRATED,
            fix=Fix("balance", "Balance the cell at a station whose instruments are registered."),
            cell=cell.serial,
        )
    uses.append(cell.disconnect.meter)
    if cell.recheck_since is not None:
        uses.append(cell.recheck_since.meter)
    if cell.capacity is not None:
        uses.extend(cell.capacity.instruments or ())
    doubtful = [use for use in uses if not use.is_calibrated]
    if doubtful:
        return _uncalibrated(cell, doubtful[0])
    names = sorted({f"{use.model} {use.serial_number}" for use in uses})
    return Finding(
        RULE,
        Verdict.PASS,
        f"The instruments were in calibration when they measured cell {cell.serial}.",
        value=", ".join(names),
        cell=cell.serial,
    )


def _uncalibrated(cell: CellEvidence, use: InstrumentUse) -> Finding:
    name = f"{use.model} {use.serial_number}"
    if use.withdrawn:
        return _withdrawn(cell, use, use.withdrawn[0])
    newest = max(use.calibrations, key=lambda span: span.valid_until, default=None)
    if newest is None:
        return Finding(
            RULE,
            Verdict.MISSING,
            f"No calibration is recorded for {name}, which measured cell {cell.serial}.",
            value="no calibration",
            limit=f"valid on {use.last_at:%Y-%m-%d}",
            why=WHY_CALIBRATED,
            fix=CALIBRATE,
            cell=cell.serial,
        )
    return Finding(
        RULE,
        Verdict.FAIL,
        f"{name} was out of calibration when it measured cell {cell.serial}.",
        value=f"valid {newest.valid_from:%Y-%m-%d} to {newest.valid_until:%Y-%m-%d}",
        limit=f"valid on {use.first_at:%Y-%m-%d} and {use.last_at:%Y-%m-%d}",
        why=WHY_CALIBRATED,
        fix=CALIBRATE,
        cell=cell.serial,
    )


def _withdrawn(cell: CellEvidence, use: InstrumentUse, span: CalibrationSpan) -> Finding:
    why = f": {span.withdrawn.words.rstrip('.')}" if span.withdrawn else ""
    return Finding(
        RULE,
        Verdict.FAIL,
        f"The calibration of {use.model} {use.serial_number}, which measured cell "
        f"{cell.serial}, was withdrawn{why}.",
        value=f"{span.certificate} withdrawn",
        limit=f"valid on {use.first_at:%Y-%m-%d} and {use.last_at:%Y-%m-%d}",
        why=WHY_CALIBRATED,
        fix=CALIBRATE,
        cell=cell.serial,
    )
