"""G5: at most 4 h since current stopped, or a passing re-check that is itself fresh (B8).

Self-discharge drives cells apart from the moment that they part.  A re-check that failed
blocks whatever the age.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from shop.evidence.policy import GatePolicy
from shop.evidence.rules import voltages
from shop.evidence.rules.voltages import judge_recheck
from shop.evidence.values import CellEvidence, VoltageEvidence
from shop.evidence.words import span, volts
from shop.packs.findings import EvidenceRef, Finding, Fix, Plan, Verdict

RULE = "G5"
WHY = "resting cells drift apart, and after hours nobody knows how far"
RECHECK = Fix("recheck", "Check every cell of the bank again, resting, with one meter.")


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    for cell in cells:
        recheck = cell.recheck_since
        if recheck is None:
            yield _since_stopped(cell, policy, now)
        else:
            yield _since_recheck(cell, recheck, _bank(cell, cells), policy, now)


def _bank(cell: CellEvidence, cells: Sequence[CellEvidence]) -> frozenset[str]:
    """The cells of this plan that were balanced together with `cell`, itself included."""
    run_id = cell.balance.run_id if cell.balance else None
    return frozenset(
        other.serial
        for other in cells
        if other.serial == cell.serial or (other.balance and other.balance.run_id == run_id)
    )


def _since_stopped(cell: CellEvidence, policy: GatePolicy, now: datetime) -> Finding:
    limit = f"≤ {span(policy.fresh_for)}"
    reading, balance = cell.disconnect, cell.balance
    stopped_at = None
    if reading is not None and balance is not None and reading.run_id == balance.run_id:
        stopped_at = reading.current_stopped_received_at
    if reading is None or stopped_at is None or stopped_at > now:
        return Finding(
            RULE,
            Verdict.MISSING,
            f"Nobody knows when current stopped in cell {cell.serial}.",
            value="no time" if stopped_at is None else "in the future",
            limit=limit,
            why=WHY,
            fix=Fix("balance", "Balance the cell; the clock starts when its current stops."),
            cell=cell.serial,
        )
    age = now - stopped_at
    refs = (EvidenceRef.of("voltage check", reading.check_id, stopped_at, now),)
    if age <= policy.fresh_for:
        return Finding(
            RULE,
            Verdict.PASS,
            f"Current stopped in cell {cell.serial} {span(age)} ago; "
            f"fresh for {span(policy.fresh_for - age)} more.",
            value=span(age),
            limit=limit,
            cell=cell.serial,
            evidence=refs,
        )
    return Finding(
        RULE,
        Verdict.FAIL,
        f"Current stopped in cell {cell.serial} {span(age)} ago and it was not checked again.",
        value=span(age),
        limit=limit,
        why=WHY,
        fix=RECHECK,
        cell=cell.serial,
        evidence=refs,
    )


def _since_recheck(
    cell: CellEvidence,
    recheck: VoltageEvidence,
    bank: frozenset[str],
    policy: GatePolicy,
    now: datetime,
) -> Finding:
    judged = judge_recheck(recheck, bank, policy.recheck)
    # Fresh from the first reading of the group: the oldest one decides.
    first_at = min((r.received_at for r in recheck.group), default=recheck.received_at)
    age = now - first_at
    refs = (EvidenceRef.of("voltage check", recheck.check_id, first_at, now),)
    value = f"{volts(recheck.voltage_v)}, {span(age)} ago"
    limit = f"≤ {span(policy.fresh_for)}"
    if judged.verdict in (voltages.MISSING, voltages.INVALID):
        return Finding(
            RULE,
            Verdict.MISSING,
            f"The re-check of cell {cell.serial} is not whole: every cell of its bank is read "
            f"within {span(timedelta(seconds=policy.recheck.span_s))}.",
            value=value,
            limit="every cell of the bank",
            why="a cell is judged against its neighbours at the same moment",
            fix=RECHECK,
            cell=cell.serial,
            evidence=refs,
        )
    if judged.verdict == voltages.FAIL:
        low_v = judged.window.low if judged.window else None
        return Finding(
            RULE,
            Verdict.FAIL,
            f"Cell {cell.serial} is low at the re-check.",
            value=value,
            limit=f"≥ {volts(low_v)}",
            why="it loses charge faster than its neighbours",
            fix=Fix("repeat_hold", "Tighten its links, repeat the hold, and check again."),
            cell=cell.serial,
            evidence=refs,
        )
    if not timedelta(0) <= age <= policy.fresh_for:
        return Finding(
            RULE,
            Verdict.FAIL,
            f"The re-check of cell {cell.serial} was {span(age)} ago.",
            value=span(age),
            limit=limit,
            why=WHY,
            fix=RECHECK,
            cell=cell.serial,
            evidence=refs,
        )
    warning = " It is lower than its neighbours." if judged.verdict == voltages.MARGINAL else ""
    return Finding(
        RULE,
        Verdict.PASS,
        f"Cell {cell.serial} passed its re-check; fresh for {span(policy.fresh_for - age)} more."
        f"{warning}",
        value=value,
        limit=limit,
        cell=cell.serial,
        evidence=refs,
    )
