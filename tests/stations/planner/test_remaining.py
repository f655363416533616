"""Hours left of a charge under way: narrower as it goes on, honest in the tail (F5)."""

from __future__ import annotations

from datetime import timedelta
from statistics import median

import pytest

from stations.planner.hours import Course, charge_of
from stations.planner.knowledge import unknown_soc
from stations.planner.remaining import Left, Progress, left
from tests.stations.planner.random_jobs import scores
from tests.stations.procedures.scripted import START, program

KNOWN = unknown_soc(4, 200.0)
CHARGE = charge_of(program())
assert CHARGE is not None
# From 90, 70, 50, 30 and 10 % of 800 Ah at 14.4 A.
COURSES = [Course(14.4, 800.0 * (1 - soc), 0.6, True) for soc in (0.9, 0.7, 0.5, 0.3, 0.1)]


def in_bulk(charge_ah: float, voltage_v: float) -> Left:
    assert CHARGE is not None
    return left(CHARGE, COURSES, Progress(START, charge_ah, 14.4, voltage_v, KNOWN))


def in_the_tail(amps: list[float], *, every: timedelta = timedelta(minutes=2)) -> Left:
    assert CHARGE is not None
    tail = [(START + n * every, amp) for n, amp in enumerate(amps)]
    now = Progress(tail[-1][0], 80.0, amps[-1], 3.648, KNOWN, START - timedelta(hours=1), tail)
    return left(CHARGE, COURSES, now)


def test_courses_that_the_charge_has_outlived_are_struck_out() -> None:
    begun, later = in_bulk(0.0, 3.25), in_bulk(300.0, 3.309)

    assert begun.hours is not None
    assert later.hours is not None
    assert later.hours.low > 0
    assert later.hours.high == pytest.approx(begun.hours.high - 300 / 14.4, abs=0.1)


def test_the_knee_in_sight_makes_it_short() -> None:
    """3.40 V under 0.018C is less than 2 % from full."""
    seen = in_bulk(300.0, 3.42)

    assert seen.hours is not None
    assert seen.hours.high < 0.02 * 800 / 14.4 + 0.7


def test_a_tail_is_extended_by_its_own_slope() -> None:
    """Halves every 10 min from 16 to 2.8 A, done at 1 A: 15 min more in a straight line."""
    seen = in_the_tail([16.0 * 0.5 ** (n / 5) for n in range(13)])

    assert seen.hours is not None
    assert seen.hours.low * 60 == pytest.approx(0.8 * 16 + 5, abs=2)
    assert seen.hours.low < seen.hours.middle < seen.hours.high < 0.75


def test_a_tail_that_does_not_fall_is_named_and_not_guessed() -> None:
    seen = in_the_tail([1.30 + 0.001 * (n % 2) for n in range(16)])

    assert seen.hours is None
    assert "leak floor" in seen.words
    assert "1.30 A" in seen.words


def test_a_tail_that_stays_for_some_minutes_is_not_flat_yet() -> None:
    """B2: half an hour; a supply that is trimmed up holds its current for a while."""
    seen = in_the_tail([1.30] * 10)

    assert seen.hours is not None
    assert seen.hours.middle > 1


def test_a_tail_that_is_done_waits_for_its_dwell() -> None:
    seen = in_the_tail([1.2 * 0.97**n for n in range(13)])

    assert seen.hours is not None
    assert seen.hours.high <= 5 / 60


def test_random_charges_end_where_they_were_foretold() -> None:
    """A few of what `python -m tests.benchmarks planner` does with two hundred."""
    found = list(scores(2, seed=11))

    assert sum(score.holds for score in found) >= 1
    assert median(score.halfway_error for score in found) < 0.15
