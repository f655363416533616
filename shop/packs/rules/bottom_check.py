"""G4 of emptied cells: the bottom check, each at the same age after its own discharge (B9).

The voltage of an empty cell rises for hours after its current has stopped, so a reading at
another age says nothing about where the cells met.  How far apart they are is judged by G6.
"""

from __future__ import annotations

from datetime import datetime

from shop.evidence.policy import BottomLimits, GatePolicy
from shop.evidence.rules import voltages
from shop.evidence.rules.bottom import judge_parting
from shop.evidence.values import CellEvidence
from shop.evidence.words import span, volts, window
from shop.packs.findings import EvidenceRef, Finding, Fix, Verdict

EMPTY_AGAIN = Fix(
    "empty_again",
    "Level the cell to 3.25 V, which is 20 %, then empty it again: from nearly empty it would end "
    "apart from its neighbours.",
)


def single(cell: CellEvidence, rule: str, policy: GatePolicy, now: datetime) -> Finding:
    """Of a cell whose newest balance emptied it."""
    balance, reading = cell.balance, cell.disconnect
    if balance is None or reading is None or reading.run_id != balance.run_id:
        return _missing(cell, rule, "was never compared with its neighbours", "no check", policy)
    judged = judge_parting(cell, policy)
    refs = (EvidenceRef.of("voltage check", reading.check_id, reading.received_at, now),)
    aged = f", {span(judged.age)} after current stopped" if judged.age is not None else ""
    value = f"{volts(reading.voltage_v)}{aged}"
    if judged.verdict == voltages.INVALID:
        said = "was read by hand, and emptied cells are compared by a meter of the bench"
        return _missing(cell, rule, said, value, policy, refs)
    if judged.verdict == voltages.MISSING:
        said = "was not read at the age at which emptied cells are compared"
        return _missing(cell, rule, said, value, policy, refs)
    limit = window(judged.window) if judged.window else ""
    if judged.verdict == voltages.PASS:
        return Finding(
            rule,
            Verdict.PASS,
            f"Cell {cell.serial} rested where an emptied cell does.",
            value=value,
            limit=limit,
            cell=cell.serial,
            evidence=refs,
        )
    low = judged.window is not None and (reading.voltage_v or 0.0) < judged.window.low
    return Finding(
        rule,
        Verdict.FAIL,
        f"Cell {cell.serial} rested {'below' if low else 'above'} where an emptied cell does.",
        value=value,
        limit=limit,
        why="it was drawn too low" if low else "it has charge left that its neighbours have not",
        fix=EMPTY_AGAIN,
        cell=cell.serial,
        evidence=refs,
    )


def _missing(
    cell: CellEvidence,
    rule: str,
    said: str,
    value: str,
    policy: GatePolicy,
    refs: tuple[EvidenceRef, ...] = (),
) -> Finding:
    return Finding(
        rule,
        Verdict.MISSING,
        f"Cell {cell.serial} {said}.",
        value=value,
        limit=ages(policy.bottom),
        why="an empty cell's voltage rises for hours, so only cells of one age compare",
        fix=EMPTY_AGAIN,
        cell=cell.serial,
        evidence=refs,
    )


def ages(limits: BottomLimits) -> str:
    return f"{span(limits.rest_min)} to {span(limits.rest_max)} after current stopped"
