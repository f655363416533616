"""G5: at most 4 h since current stopped, or a passing re-check that is itself fresh (B8).

Self-discharge drives cells apart from the moment that they part.  A re-check that failed
blocks whatever the age.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from shop.evidence.policy import GatePolicy
from shop.evidence.rules import voltages
from shop.evidence.rules.bottom import is_emptied
from shop.evidence.rules.freshness import SinceRecheck, SinceStopped, freshness_of
from shop.evidence.values import CellEvidence
from shop.evidence.words import span, volts, window
from shop.packs.findings import EvidenceRef, Finding, Fix, Plan, Verdict
from shop.packs.rules.bottom_check import EMPTY_AGAIN
from shop.packs.rules.disconnect import by_hand
from stations.values import Window

RULE = "G5"
WHY = "resting cells drift apart, and after hours nobody knows how far"
RECHECK = Fix("recheck", "Check every cell of the bank again, resting, with one meter.")
REPEAT_HOLD = Fix("repeat_hold", "Tighten its links, repeat the hold, and check again.")
QUARANTINE = Fix("quarantine", "Put the cell aside and let a supervisor decide on it.")


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    for cell in cells:
        match freshness_of(cell, _bank(cell, cells), policy):
            case SinceRecheck() as clock:
                yield _since_recheck(cell, clock, policy, now)
            case SinceStopped() as clock if clock.since <= now:
                yield _since_stopped(cell, clock, policy, now)
            case clock:
                yield _unknown(cell, policy, "no time" if clock is None else "in the future")


def _bank(cell: CellEvidence, cells: Sequence[CellEvidence]) -> frozenset[str]:
    """The cells of this plan that were balanced together with `cell`, itself included."""
    run_id = cell.balance.run_id if cell.balance else None
    return frozenset(
        other.serial
        for other in cells
        if other.serial == cell.serial or (other.balance and other.balance.run_id == run_id)
    )


def _unknown(cell: CellEvidence, policy: GatePolicy, value: str) -> Finding:
    return Finding(
        RULE,
        Verdict.MISSING,
        f"Nobody knows when current stopped in cell {cell.serial}.",
        value=value,
        limit=f"≤ {span(policy.fresh_for)}",
        why=WHY,
        fix=Fix("balance", "Balance the cell; the clock starts when its current stops."),
        cell=cell.serial,
    )


def _since_stopped(
    cell: CellEvidence, clock: SinceStopped, policy: GatePolicy, now: datetime
) -> Finding:
    age, limit = now - clock.since, f"≤ {span(policy.fresh_for)}"
    refs = (EvidenceRef.of("voltage check", clock.reading.check_id, clock.since, now),)
    if now <= clock.until:
        return Finding(
            RULE,
            Verdict.PASS,
            f"Current stopped in cell {cell.serial} {span(age)} ago; "
            f"fresh for {span(clock.until - now)} more.",
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
    cell: CellEvidence, clock: SinceRecheck, policy: GatePolicy, now: datetime
) -> Finding:
    judged, reading, age = clock.judged, clock.reading, now - clock.since
    refs = (EvidenceRef.of("voltage check", reading.check_id, clock.since, now),)
    value = f"{volts(reading.voltage_v)}, {span(age)} ago"
    limit = f"≤ {span(policy.fresh_for)}"
    if judged.verdict in (voltages.MISSING, voltages.INVALID):
        wanted = (
            "was read by hand, and emptied cells are compared by a scanner"
            if is_emptied(cell.balance) and reading.is_by_hand
            else "is not whole: it and its neighbours of the same bank are read within "
            f"{span(timedelta(seconds=policy.recheck.span_s))}"
        )
        return Finding(
            RULE,
            Verdict.MISSING,
            f"The re-check of cell {cell.serial} {wanted}.",
            value=value,
            limit="every cell of the bank",
            why="a cell is judged against its neighbours at the same moment",
            fix=RECHECK,
            cell=cell.serial,
            evidence=refs,
        )
    if judged.verdict == voltages.FAIL:
        return _failed(cell, clock, value, refs)
    if not clock.since <= now <= clock.until:
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
    apart = "apart from" if is_emptied(cell.balance) else "lower than"
    warning = f" It is {apart} its neighbours." if judged.verdict == voltages.MARGINAL else ""
    return Finding(
        RULE,
        Verdict.PASS,
        f"Cell {cell.serial} passed its re-check{by_hand(reading)}; "
        f"fresh for {span(clock.until - now)} more.{warning}",
        value=value,
        limit=limit,
        cell=cell.serial,
        evidence=refs,
    )


def _failed(
    cell: CellEvidence, clock: SinceRecheck, value: str, refs: tuple[EvidenceRef, ...]
) -> Finding:
    allowed = clock.judged.window or Window(math.nan, math.nan)
    high = (clock.reading.voltage_v or 0.0) > allowed.high
    upwards = math.isinf(allowed.high)  # full cells: nothing is too high
    return Finding(
        RULE,
        Verdict.FAIL,
        f"Cell {cell.serial} is {'high' if high else 'low'} at the re-check.",
        value=value,
        limit=f"≥ {volts(allowed.low)}" if upwards else window(allowed),
        why="it has charge left that its neighbours have not"
        if high
        else "it loses charge faster than its neighbours",
        fix=low_fix(cell),
        cell=cell.serial,
        evidence=refs,
    )


def low_fix(cell: CellEvidence) -> Fix:
    """A bad contact leaves a healthy cell low once; a second time it is the cell (B8).

    An emptied cell had no contact with any other: it is emptied once more, then it is the cell.
    """
    times = sum(note.kind == "RECHECK_LOW" for note in cell.nonconformances)
    if times > 1:
        return QUARANTINE
    return EMPTY_AGAIN if is_emptied(cell.balance) else REPEAT_HOLD
