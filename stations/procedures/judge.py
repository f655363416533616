"""Verdicts over the cells of a Measure step: may each be charged (B3), did they pass (B7, B8).

Pure tables over volts and ages.  The limits that were applied travel with each verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from stations.procedures.rules import BottomRule, DisconnectRule, RecheckRule, RestedRule
from stations.procedures.state import CellResult, Record
from stations.values import NAN, Window

NOTHING_V = 0.1  # no LFP cell that may be charged again reads so little; an open lead does


def cell_problems(allowed: Window, volts: Sequence[float]) -> list[str]:
    """Cells that are reversed, or not as a cell that may be charged; each with what to do."""
    found = []
    for position, volt in enumerate(volts, start=1):
        if volt < -0.1:
            found.append(
                f"Cell {position} reads {volt:.3f} V: it is reversed. Turn it round, check the "
                "sense leads, and start again."
            )
        elif abs(volt) < NOTHING_V:
            found.append(
                f"Cell {position} reads {abs(volt):.3f} V: no cell is there, or its sense lead is "
                "off. Put the cell in its place, check the sense lead, and start again."
            )
        elif not allowed.contains(volt):
            found.append(
                f"Cell {position} reads {volt:.3f} V, outside {allowed.low:.2f} … "
                f"{allowed.high:.3f} V. Check its sense lead; if it is right, put the cell "
                "aside."
            )
    return found


def start_problems(rule: RestedRule, volts: Sequence[float]) -> list[str]:
    """Cells that may not be driven one by one, or that are too empty to be emptied with others."""
    return cell_problems(rule.voltage, volts) + [
        f"Cell {position} rests at {volt:.3f} V, below {rule.start_low_v:.2f} V: it is nearly "
        "empty already, and would end tens of millivolts from cells that come from higher. Charge "
        "it to 20 % first, by levelling it to 3.25 V."
        for position, volt in enumerate(volts, start=1)
        if rule.voltage.contains(volt) and volt < rule.start_low_v
    ]


# Rested volts to the highest SOC that such a cell can have.  A plateau voltage tells SOC to
# ±15-20 points only, so above 3.28 V nothing is implied; below, the model's OCV curve
# (2.50 V = 0, 3.206 V = 10 %, 3.250 V = 20 %) plus room for hysteresis and temperature.
SOC_HIGH: tuple[tuple[float, float], ...] = (
    (2.50, 0.02),
    (2.92, 0.05),
    (3.095, 0.10),
    (3.206, 0.16),
    (3.25, 0.35),
    (3.28, 0.60),
    (3.30, 1.0),
)


def least_charge_ah(volts: Sequence[float], capacity_ah: float) -> float:
    """Ah that must at least go into cells that rest at `volts`; 0 means not observable (B2)."""
    return sum(max(0.0, 0.99 - _soc_high(v)) * capacity_ah for v in volts)


def _soc_high(voltage_v: float) -> float:
    if voltage_v <= SOC_HIGH[0][0]:
        return SOC_HIGH[0][1]
    for (v0, s0), (v1, s1) in pairwise(SOC_HIGH):
        if voltage_v <= v1:
            return s0 + (s1 - s0) * (voltage_v - v0) / (v1 - v0)
    return 1.0


def disconnect_window(rule: DisconnectRule, age: timedelta) -> Window | None:
    """The pass window at this age since current stopped, None when it is too late to judge."""
    if age > rule.late:
        return None
    below_v = rule.pass_below_v if age <= rule.fresh else rule.marginal_below_v
    return Window(round(rule.target_v - below_v, 6), round(rule.target_v + rule.above_v, 6))


def disconnect_verdict(rule: DisconnectRule, voltage_v: float, age: timedelta) -> str:
    """ "pass", "marginal", "fail", "invalid" (above the window) or "missing" (too late).

    From 5 to 15 min the pass limit is the marginal one and nothing is marginal: relaxation
    alone takes a healthy cell that far.
    """
    window = disconnect_window(rule, age)
    if window is None:
        return "missing"
    if window.contains(voltage_v):
        return "pass"
    if not voltage_v <= window.high:
        return "invalid"
    marginal_v = round(rule.target_v - rule.marginal_below_v, 6)
    return "marginal" if voltage_v >= marginal_v else "fail"


def disconnect_results(
    rule: DisconnectRule,
    volts: Sequence[float],
    *,
    at: datetime,
    received_at: datetime,
    stopped_at: datetime,
    first: int = 1,
) -> tuple[CellResult, ...]:
    """One verdict per cell, with the window of its age; NaN volts are "missing".

    `first` is the position of the first of `volts`.
    """
    age = at - stopped_at
    window = disconnect_window(rule, age) or Window(NAN, NAN)
    return tuple(
        CellResult(
            position=position,
            voltage_v=volt,
            verdict="missing" if math.isnan(volt) else disconnect_verdict(rule, volt, age),
            window=window,
            at=at,
            received_at=received_at,
            age_s=age.total_seconds(),
        )
        for position, volt in enumerate(volts, start=first)
    )


def recheck_below_v(rule: RecheckRule, age: timedelta) -> tuple[float, float]:
    """(warn, fail): volts below the median that are still allowed at this age (B8)."""
    share = (age - rule.early) / max(rule.late - rule.early, timedelta(seconds=1))
    share = min(1.0, max(0.0, share))
    return (
        rule.early_warn_v + share * (rule.late_warn_v - rule.early_warn_v),
        rule.early_fail_v + share * (rule.late_fail_v - rule.early_fail_v),
    )


def recheck_window(rule: RecheckRule, median_v: float, age: timedelta) -> Window:
    """What passes: from the fail limit or the floor, whichever is higher.

    Nothing is too high, but where the rule looks both ways.
    """
    _, fail_v = recheck_below_v(rule, age)
    high_v = round(median_v + fail_v, 6) if rule.both_ways else math.inf
    return Window(round(max(median_v - fail_v, rule.floor_v), 6), high_v)


def recheck_verdict(rule: RecheckRule, voltage_v: float, median_v: float, age: timedelta) -> str:
    """ "pass", "marginal" (beyond the warning, within the fail limit) or "fail"; NaN fails."""
    if not recheck_window(rule, median_v, age).contains(voltage_v):
        return "fail"
    warn_v, _ = recheck_below_v(rule, age)
    high_v = round(median_v + warn_v, 6) if rule.both_ways else math.inf
    return "pass" if round(median_v - warn_v, 6) <= voltage_v <= high_v else "marginal"


def recheck_results(
    rule: RecheckRule,
    volts: Sequence[float],
    *,
    at: datetime,
    received_at: datetime,
    age: timedelta,
) -> tuple[tuple[CellResult, ...], tuple[str, ...]]:
    """One verdict per cell against its bank, and a remark for each that is worth watching.

    A marginal cell passes: a warning finds leaks early, and is no reason to refuse.
    """
    medians = _bank_medians(rule, volts)
    results, remarks = [], []
    for position, (volt, median_v) in enumerate(zip(volts, medians, strict=True), start=1):
        verdict = recheck_verdict(rule, volt, median_v, age)
        if verdict != "pass":
            side = "below" if volt < median_v else "above"
            apart_mv = 1000 * abs(median_v - volt)
            remarks.append(f"cell {position} is {apart_mv:.0f} mV {side} its bank")
        results.append(
            CellResult(
                position=position,
                voltage_v=volt,
                verdict="pass" if verdict == "marginal" else verdict,
                window=recheck_window(rule, median_v, age),
                at=at,
                received_at=received_at,
                age_s=age.total_seconds(),
            )
        )
    return tuple(results), tuple(remarks)


def _bank_medians(rule: RecheckRule, volts: Sequence[float]) -> list[float]:
    """For every cell the median of the cells that it was balanced with, itself included."""
    banks = rule.banks or (0,) * len(volts)
    by_bank: dict[int, list[float]] = {}
    for bank, volt in zip(banks, volts, strict=True):
        by_bank.setdefault(bank, []).append(volt)
    return [median(by_bank[bank]) for bank in banks]


def bottom_results(
    rule: BottomRule, rests: Sequence[Record]
) -> tuple[tuple[CellResult, ...], tuple[str, ...]]:
    """One verdict per cell from the records of their rests, and the group's figures in words.

    A mean outside its window fails all of them; a spread above the limit fails each cell that
    is further than half of it from the middle of the group.  NaN fails.  A rest that lasted
    longer than the rule's age shows no such voltage: that cell is missing, and no part of the
    group; so is every cell where fewer than two are left to compare.  One cell by itself is held
    against the mean alone.
    """
    ages = [dict(record.facts)["age_s"] for record in rests]
    volts = [dict(record.facts)["voltage_v"] for record in rests]
    late_s = rule.late.total_seconds()
    timely = [not late_s or age <= late_s for age in ages]
    if sum(timely) < min(2, len(rests)):
        verdicts, window, words = ["missing"] * len(rests), Window(NAN, NAN), "nothing to compare"
    else:
        group = [volt for volt, counts in zip(volts, timely, strict=True) if counts]
        window, words = _bottom_window(rule, group)
        met = rule.mean.contains(sum(group) / len(group))
        verdicts = [
            ("pass" if met and window.contains(volt) else "fail") if counts else "missing"
            for volt, counts in zip(volts, timely, strict=True)
        ]
    results = tuple(
        CellResult(
            position=record.cell,
            voltage_v=volt,
            verdict=verdict,
            window=window,
            at=record.ended_at,
            received_at=record.received_at or record.ended_at,
            age_s=age,
        )
        for record, volt, verdict, age in zip(rests, volts, verdicts, ages, strict=True)
    )
    return results, (words,)


def _bottom_window(rule: BottomRule, volts: Sequence[float]) -> tuple[Window, str]:
    """What a cell of this group must lie in, and the group's figures in words."""
    mean_v, low_v, high_v = sum(volts) / len(volts), min(volts), max(volts)
    words = f"mean {mean_v:.3f} V, {1000 * (high_v - low_v):.1f} mV from the lowest to the highest"
    if not rule.mean.contains(mean_v):
        mean = f"mean outside {rule.mean.low:.2f} … {rule.mean.high:.2f} V"
        return rule.mean, f"{words}, {mean}"
    if high_v - low_v <= rule.spread_max_v + 1e-9:
        low, high = high_v - rule.spread_max_v, low_v + rule.spread_max_v
    else:
        middle_v, half_v = median(volts), rule.spread_max_v / 2
        low, high = middle_v - half_v, middle_v + half_v
    return Window(round(low, 6), round(high, 6)), words
