"""Hours left of a charge that is under way, narrowed by what it has shown so far.

Courses that the charge has already outlived are struck out: no knee where they had one.  In the
CV hold the tail itself is extended, by its own slope over the last minutes, as soon as it has
one; a tail that does not fall says so instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stations.model.cell import HYSTERESIS_V, cell_of
from stations.model.ocv import soc_at
from stations.planner.hours import Course, Interval, interval
from stations.planner.knowledge import Known
from stations.planner.naming import floor_words
from stations.procedures.steps import Charge, Tail
from stations.values import Window

# Once this share of the bank is in, every cell sits on the charge branch of its hysteresis, and
# volts under current tell SOC: to what the curve itself is good for, and a fifth of the rise.
SETTLED_SHARE = 0.03
CURVE_V = 0.004
RISE_SHARE = 0.2
SLOPE_OVER = timedelta(minutes=20)
SLOPE_FROM = timedelta(minutes=10)
# A tail slows down as its slower diffusion takes over: what a straight line in the logarithm
# of the current promises is at times too early.
STRETCH = Window(0.8, 1.8)
# A fall of a twentieth in half an hour is none: what still flows leaks (B2).
FLAT_FOR, FLAT_PER_H = timedelta(minutes=30), 0.1
FLAT_SEEN = timedelta(minutes=28)  # of it, where readings are thinned out


@dataclass(frozen=True, slots=True)
class Progress:
    """A charge as it is now: Ah of this step, volts and amps of the bank, the tail's amps."""

    at: datetime
    charge_ah: float
    current_a: float
    voltage_v: float
    known: Known
    cv_since: datetime | None = None
    tail: Sequence[tuple[datetime, float]] = ()  # oldest first


@dataclass(frozen=True, slots=True)
class Left:
    """`hours` is None while nobody can tell; `words` say why, or what is waited for."""

    hours: Interval | None
    words: str = ""


def left(charge: Charge, courses: Sequence[Course], now: Progress) -> Left:
    """What is left of `charge`, given the `courses` it was planned with (at least one).

    CV far below its target is bulk still: long leads limit the current.
    """
    if now.cv_since is None or now.voltage_v < charge.finish_above_v:
        return Left(interval(_of_bulk(courses, now)))
    held_h = _hours(now.at - now.cv_since)
    least_h = max(0.0, _hours(charge.tail.cv_min) - held_h)
    flat_a = floor_a(charge.tail, now.tail)
    if flat_a is not None:
        return Left(None, floor_words(flat_a, charge.tail.done_a, now.known.bank_ah))
    recent = [(at, amps) for at, amps in now.tail if at >= max(now.cv_since, now.at - SLOPE_OVER)]
    if recent and recent[-1][0] - recent[0][0] >= SLOPE_FROM:
        return _by_slope(charge.tail, recent, least_h)
    ahead = [c.rest_h - held_h for c in courses if c.rest_h > held_h]
    return Left(interval([max(least_h, hours) for hours in ahead] or [least_h]))


def _of_bulk(courses: Sequence[Course], now: Progress) -> list[float]:
    """The courses whose knee is where Ah and volts allow; if none is, its nearest place."""
    by_volts = _ah_by_volts(now)
    ahead = [(c, c.charge_ah - now.charge_ah) for c in courses]
    fitting = [(c, ah) for c, ah in ahead if by_volts.contains(ah)]
    if not fitting:
        fitting = [(c, min(max(ah, by_volts.low), by_volts.high)) for c, ah in ahead]
    return [ah / c.bulk_a + c.rest_h for c, ah in fitting]


def _ah_by_volts(now: Progress) -> Window:
    """Ah that may still go in up to full, by the volts under this current; wide at the start."""
    bank_ah = now.known.bank_ah
    if now.charge_ah < SETTLED_SHARE * bank_ah:
        return Window(0.0, bank_ah)
    cell = cell_of(now.known.capacity_ah)
    ohm = cell.r0_ohm + cell.r1_ohm + cell.r2_ohm
    rise_v = now.current_a / now.known.cells * ohm
    about_v = now.voltage_v - rise_v - HYSTERESIS_V[1]
    margin_v = CURVE_V + RISE_SHARE * rise_v
    low, high = (soc_at(about_v + sign * margin_v) for sign in (-1, 1))
    return Window(max(0.0, 1.0 - high) * bank_ah, max(0.01, 1.0 - low) * bank_ah)


def floor_a(limit: Tail, tail: Sequence[tuple[datetime, float]]) -> float | None:
    """Amps at which a tail stays above its limit; None while it falls, or is too short to tell."""
    recent = [(at, amps) for at, amps in tail if at >= tail[-1][0] - FLAT_FOR]
    if not recent or recent[-1][0] - recent[0][0] < FLAT_SEEN:
        return None
    per_h, now_a = _fall(recent)
    return now_a if now_a > limit.done_a and per_h < FLAT_PER_H else None


def _by_slope(tail: Tail, recent: Sequence[tuple[datetime, float]], least_h: float) -> Left:
    per_h, now_a = _fall(recent)
    if now_a <= tail.done_a:
        held = _hours(tail.dwell)
        return Left(Interval(least_h, max(least_h, held), max(least_h, held)))
    straight_h = math.log(now_a / tail.done_a) / max(per_h, FLAT_PER_H)
    dwell_h = _hours(tail.dwell)
    low, middle, high = (
        max(least_h, straight_h * stretch + dwell_h) for stretch in (STRETCH.low, 1.2, STRETCH.high)
    )
    return Left(Interval(low, middle, high))


def _fall(recent: Sequence[tuple[datetime, float]]) -> tuple[float, float]:
    """(fall of the logarithm per hour, amps now) by least squares over what flowed."""
    flowed = [(at, amps) for at, amps in recent if amps > 0]
    if len(flowed) < 2:
        return 0.0, recent[-1][1]
    ended = flowed[-1][0]
    hours = [_hours(at - ended) for at, _ in flowed]
    logs = [math.log(amps) for _, amps in flowed]
    mean_h, mean_log = sum(hours) / len(hours), sum(logs) / len(logs)
    spread = sum((h - mean_h) ** 2 for h in hours)
    slope = sum((h - mean_h) * (y - mean_log) for h, y in zip(hours, logs, strict=True)) / spread
    return -slope, math.exp(mean_log - slope * mean_h)


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600
