"""Hours left of a CV hold, by the tail itself: extended by its own slope over the last minutes.

A tail that does not fall says so instead of a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stations.planner.hours import Interval
from stations.planner.naming import floor_words
from stations.procedures.criteria import Tail
from stations.procedures.steps import Charge
from stations.values import Window

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
    """A charge as it is now: since when its bank is held at target in CV, and the tail's amps."""

    at: datetime
    cv_since: datetime | None = None
    tail: Sequence[tuple[datetime, float]] = ()  # oldest first


@dataclass(frozen=True, slots=True)
class Left:
    """`hours` is None while nobody can tell; `words` say why, or what is waited for."""

    hours: Interval | None
    words: str = ""


def tail_left(charge: Charge, now: Progress, bank_ah: float) -> Left | None:
    """What is left of `charge` by its tail; None before that has a slope.

    CV with the bank below its target is bulk still: the leads limit the current.  So is a hold on
    the plateau, as levelling has: its current falls as the cells fill, hardly in half an hour.
    """
    if now.cv_since is None or charge.tail.at_least_v < charge.finish_above_v:
        return None
    flat_a = floor_a(charge.tail, now.tail)
    if flat_a is not None:
        return Left(None, floor_words(flat_a, charge.tail.done_a, bank_ah))
    recent = [(at, amps) for at, amps in now.tail if at >= max(now.cv_since, now.at - SLOPE_OVER)]
    if not recent or recent[-1][0] - recent[0][0] < SLOPE_FROM:
        return None
    least_h = max(0.0, _hours(charge.tail.cv_min) - _hours(now.at - now.cv_since))
    return _by_slope(charge.tail, recent, least_h)


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
