"""Judging readings of single cells: the disconnect check (B7), pre-parallel (B3), re-check (B8).

Whatever is missing, NaN, from the future or too late never passes.  Verdicts are the capitals
that the models store.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TypeGuard

from shop.evidence.policy import DisconnectLimits, RecheckLimits
from shop.evidence.values import VoltageEvidence
from stations.procedures.judge import (
    disconnect_verdict,
    disconnect_window,
    recheck_verdict,
    recheck_window,
)
from stations.values import Window

PASS, MARGINAL, FAIL = "PASS", "MARGINAL", "FAIL"
INVALID, MISSING = "INVALID", "MISSING"

# No lithium cell shows more at its posts; a reading beyond is the meter's or the typist's.
POSSIBLE_V = Window(-5.0, 5.0)
NEIGHBOURS_MIN = 2  # cells of a bank, itself included, that make a median


def is_number(value: float | None) -> TypeGuard[float]:
    """Whether there is a finite number."""
    return value is not None and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what it was judged by; `window` is None where none applies."""

    verdict: str
    window: Window | None
    age: timedelta | None


def judge_disconnect(
    voltage_v: float | None, age: timedelta | None, target_v: float, limits: DisconnectLimits
) -> Judgement:
    """B7 by volts and wall time since current stopped; later than its window is MISSING."""
    if age is None or age < timedelta(0):
        return Judgement(MISSING, None, age)
    rule = limits.rule(target_v)
    window = disconnect_window(rule, age)
    if window is None or not is_number(voltage_v):
        return Judgement(MISSING, window, age)
    return Judgement(disconnect_verdict(rule, voltage_v, age).upper(), window, age)


def judge_pre_parallel(voltage_v: float | None, allowed: Window) -> str:
    """B3 for one rested cell; a reversed or an odd one fails.  The group is judged on the bench."""
    if not is_number(voltage_v):
        return MISSING
    return PASS if allowed.contains(voltage_v) else FAIL


def judge_recheck(
    reading: VoltageEvidence, group: Collection[str], limits: RecheckLimits
) -> Judgement:
    """B8: one cell against the median of its bank, at one age, above the floor.

    `group` are the serials of one bank that must have been read together; the median is of all
    of that bank that the check read, whoever is placed where, and a cell alone has none.  The
    window's low end is the fail limit at this age or the floor, whichever is higher.
    Temperatures are not judged: no instrument reads them yet.
    """
    asked = [r for r in reading.group if r.serial in group]
    banks = {r.bank for r in asked}
    pool = [r for r in reading.group if r.bank in banks]
    known = [r.voltage_v for r in pool if is_number(r.voltage_v)]
    if {r.serial for r in asked} != set(group) or len(banks) != 1:
        return Judgement(MISSING, None, reading.age)
    if len(known) < max(len(pool), NEIGHBOURS_MIN):
        return Judgement(MISSING, None, reading.age)
    stamps = [r.received_at for r in pool]
    if max(stamps) - min(stamps) > timedelta(seconds=limits.span_s):
        return Judgement(INVALID, None, reading.age)
    if reading.age is None or reading.age < timedelta(0) or not is_number(reading.voltage_v):
        return Judgement(MISSING, None, reading.age)
    rule, median_v = limits.rule(), median(known)
    verdict = recheck_verdict(rule, reading.voltage_v, median_v, reading.age)
    return Judgement(verdict.upper(), recheck_window(rule, median_v, reading.age), reading.age)
