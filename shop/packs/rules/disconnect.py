"""G4: the disconnect check passed for each cell, in its window and age (B7, judged again here).

The age is wall time from current stopped to the reading.  A check that came too late is
missing, not failed: relaxed cells say nothing about the balance.  Emptied cells have a check of
their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.evidence.policy import DisconnectLimits, GatePolicy
from shop.evidence.rules import voltages
from shop.evidence.rules.bottom import is_emptied
from shop.evidence.rules.voltages import Judgement, judge_disconnect
from shop.evidence.values import CellEvidence, VoltageEvidence
from shop.evidence.words import millivolts, span, volts, window
from shop.packs.findings import EvidenceRef, Finding, Fix, Plan, Verdict
from shop.packs.rules import bottom_check

RULE = "G4"
REFRESH = Fix(
    "refresh", "Run a refresh hold to the tail again, then check every cell within 15 min."
)


@dataclass(frozen=True, slots=True)
class _Answer:
    verdict: Verdict
    words: str
    why: str
    fix: Fix


ANSWERS: Mapping[str, _Answer] = {
    voltages.MARGINAL: _Answer(
        Verdict.FAIL,
        "is marginal at the disconnect check",
        "it took less charge than its neighbours",
        Fix("recharge_cell", "Recharge that cell alone to the target and measure it again."),
    ),
    voltages.FAIL: _Answer(
        Verdict.FAIL,
        "is too low at the disconnect check",
        "it has less capacity than it should, or a defect inside",
        Fix("quarantine", "Put the cell aside and let a supervisor decide on it."),
    ),
    voltages.INVALID: _Answer(
        Verdict.FAIL,
        "reads above the window at the disconnect check",
        "a cell cannot rest above what charged it, so the reading is not valid",
        Fix("measure_again", "Check links and leads and measure the cell again."),
    ),
}


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    for cell in cells:
        if is_emptied(cell.balance):
            yield bottom_check.single(cell, RULE, policy, now)
        else:
            yield _single(cell, policy.disconnect, now)


def _single(cell: CellEvidence, limits: DisconnectLimits, now: datetime) -> Finding:
    balance, reading = cell.balance, cell.disconnect
    if balance is None or reading is None or reading.run_id != balance.run_id:
        return _missing(cell, "has no disconnect check after its last balance", "no check", limits)
    judged = judge_disconnect(reading.voltage_v, reading.age, balance.target_v, limits)
    refs = (EvidenceRef.of("voltage check", reading.check_id, reading.received_at, now),)
    value = _value(reading, judged)
    if judged.verdict == voltages.MISSING:
        late = judged.age is not None and judged.age > timedelta(seconds=limits.late_s)
        said = "was checked too late after current stopped" if late else "has no valid reading"
        return _missing(cell, said, value, limits, refs)
    limit = window(judged.window) if judged.window else ""
    answer = ANSWERS.get(judged.verdict)
    if answer is None:
        return Finding(
            RULE,
            Verdict.PASS,
            f"Cell {cell.serial} passed the disconnect check{by_hand(reading)}.",
            value=value,
            limit=limit,
            cell=cell.serial,
            evidence=refs,
        )
    off = reading.voltage_v - balance.target_v if reading.voltage_v is not None else 0.0
    return Finding(
        RULE,
        answer.verdict,
        f"Cell {cell.serial} {answer.words}: {millivolts(off)} from the target{by_hand(reading)}.",
        value=value,
        limit=limit,
        why=answer.why,
        fix=answer.fix,
        cell=cell.serial,
        evidence=refs,
    )


def by_hand(reading: VoltageEvidence) -> str:
    """That a person read it, as it stands in a sentence: nobody takes it for a scanner's."""
    return ", read by hand" if reading.is_by_hand else ""


def _value(reading: VoltageEvidence, judged: Judgement) -> str:
    if judged.age is None:
        return volts(reading.voltage_v)
    return f"{volts(reading.voltage_v)}, {span(judged.age)} after current stopped"


def _missing(
    cell: CellEvidence,
    said: str,
    value: str,
    limits: DisconnectLimits,
    refs: tuple[EvidenceRef, ...] = (),
) -> Finding:
    return Finding(
        RULE,
        Verdict.MISSING,
        f"Cell {cell.serial} {said}.",
        value=value,
        limit=f"within {span(timedelta(seconds=limits.late_s))} of current stopped",
        why="a cell that has relaxed no longer shows whether it was full",
        fix=REFRESH,
        cell=cell.serial,
        evidence=refs,
    )
