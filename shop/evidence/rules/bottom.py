"""Judging emptied cells: the bottom check and its later re-check (B9).

What an emptied cell shows depends on how it was emptied: a taper leaves a few millivolts of
scatter, one single current ten times that.  The balance's last current tells which it was.
Pure; ages are wall time since the cell's own current stopped.
"""

from __future__ import annotations

from datetime import timedelta

from shop.evidence.policy import BottomLimits, BottomWindow, GatePolicy, RecheckLimits
from shop.evidence.rules.balance import BOTTOM, meeting
from shop.evidence.rules.voltages import (
    FAIL,
    INVALID,
    MISSING,
    PASS,
    Judgement,
    is_number,
    judge_disconnect,
)
from shop.evidence.values import BalanceEvidence, CellEvidence


def is_emptied(balance: BalanceEvidence | None) -> bool:
    """Whether the cells of this balance met at the bottom."""
    return balance is not None and meeting(balance.method) == BOTTOM


def is_tapered(balance: BalanceEvidence, rated_ah: float, limits: BottomLimits) -> bool:
    """Whether its discharge was planned to end at a small current; NaN is none."""
    return balance.done_a <= limits.taper_c_max * rated_ah


def window_of(cell: CellEvidence, limits: BottomLimits) -> BottomWindow:
    """What applies to an emptied cell: the taper's window, or that of the single step."""
    balance = cell.balance
    tapered = balance is not None and is_tapered(balance, cell.rated_ah, limits)
    return limits.tapered if tapered else limits.single


def judge_parting(cell: CellEvidence, policy: GatePolicy) -> Judgement:
    """B7 or B9: the check that followed the current of the cell's balance, judged again."""
    balance, reading = cell.balance, cell.disconnect
    if balance is None or reading is None or reading.run_id != balance.run_id:
        return Judgement(MISSING, None, None)
    if is_emptied(balance) and reading.is_by_hand:
        return Judgement(INVALID, None, reading.age)  # B9: two readings by hand differ by too much
    if is_emptied(balance):
        return _bottom(cell, reading.voltage_v, reading.age, policy.bottom)
    return judge_disconnect(reading.voltage_v, reading.age, balance.target_v, policy.disconnect)


def _bottom(
    cell: CellEvidence, voltage_v: float | None, age: timedelta | None, limits: BottomLimits
) -> Judgement:
    """A rest that was shorter or longer shows another voltage, so it is missing, not failed."""
    if age is None or not limits.rest_min <= age <= limits.rest_max:
        return Judgement(MISSING, None, age)
    window = window_of(cell, limits).voltage
    if not is_number(voltage_v):
        return Judgement(MISSING, window, age)
    return Judgement(PASS if window.contains(voltage_v) else FAIL, window, age)


def recheck_limits(cell: CellEvidence, policy: GatePolicy) -> RecheckLimits:
    """By what a re-check of this cell is judged: full cells by their leak, empty ones both ways."""
    if not is_emptied(cell.balance):
        return policy.recheck
    return policy.bottom.recheck_of(window_of(cell, policy.bottom))
