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
from stations.procedures.judge import disconnect_verdict, disconnect_window
from stations.values import Window

PASS, MARGINAL, FAIL = "PASS", "MARGINAL", "FAIL"
INVALID, MISSING = "INVALID", "MISSING"

# No lithium cell shows more at its posts; a reading beyond is the meter's or the typist's.
POSSIBLE_V = Window(-5.0, 5.0)


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
    """B8: one cell against the median of its group, at one age, above the floor.

    `group` are the serials that must have been read together.  The window's low end is the
    fail limit at this age or the floor, whichever is higher.  Temperatures are not judged: no
    instrument reads them yet.
    """
    readings = [r for r in reading.group if r.serial in group]
    complete = {r.serial for r in readings} == set(group)
    known = [r.voltage_v for r in readings if is_number(r.voltage_v)]
    stamps = [r.received_at for r in readings]
    if not complete or len(known) < len(readings) or not readings:
        return Judgement(MISSING, None, reading.age)
    if max(stamps) - min(stamps) > timedelta(seconds=limits.span_s):
        return Judgement(INVALID, None, reading.age)
    if reading.age is None or reading.age < timedelta(0) or not is_number(reading.voltage_v):
        return Judgement(MISSING, None, reading.age)
    middle_v = median(known)
    fail_v = max(middle_v - _by_age(limits, reading.age, fail=True), limits.floor_v)
    warn_v = middle_v - _by_age(limits, reading.age, fail=False)
    window = Window(round(fail_v, 6), math.inf)
    if not reading.voltage_v >= window.low:
        return Judgement(FAIL, window, reading.age)
    return Judgement(
        PASS if reading.voltage_v >= round(warn_v, 6) else MARGINAL, window, reading.age
    )


def _by_age(limits: RecheckLimits, age: timedelta, *, fail: bool) -> float:
    """Volts below the median that are allowed at `age`, linear between the two ages."""
    early_v = limits.early_fail_v if fail else limits.early_warn_v
    late_v = limits.late_fail_v if fail else limits.late_warn_v
    share = (age.total_seconds() - limits.early_s) / max(limits.late_s - limits.early_s, 1.0)
    return early_v + (late_v - early_v) * min(1.0, max(0.0, share))
