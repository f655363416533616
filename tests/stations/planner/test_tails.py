"""Hours left of a CV hold: extended by its own slope, honest where it does not fall (F5)."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from stations.planner.hours import charge_of
from stations.planner.seen import Seen
from stations.planner.tails import Left, Progress, tail_left
from tests.stations.procedures.scripted import START, program

CHARGE = charge_of(program())


def in_the_tail(amps: list[float], *, every: timedelta = timedelta(minutes=2)) -> Left | None:
    assert CHARGE is not None
    tail = [(START + n * every, amp) for n, amp in enumerate(amps)]
    now = Progress(tail[-1][0], START - timedelta(hours=1), tail)
    return tail_left(CHARGE, now, 800.0)


def test_a_tail_is_extended_by_its_own_slope() -> None:
    """Halves every 10 min from 16 to 2.8 A, done at 1 A: 15 min more in a straight line."""
    seen = in_the_tail([16.0 * 0.5 ** (n / 5) for n in range(13)])

    assert seen is not None
    assert seen.hours is not None
    assert seen.hours.low * 60 == pytest.approx(0.8 * 16 + 5, abs=2)
    assert seen.hours.low < seen.hours.middle < seen.hours.high < 0.75


def test_a_tail_that_does_not_fall_is_named_and_not_guessed() -> None:
    seen = in_the_tail([1.30 + 0.001 * (n % 2) for n in range(16)])

    assert seen is not None
    assert seen.hours is None
    assert "leak floor" in seen.words
    assert "1.30 A" in seen.words


def test_a_tail_that_stays_for_some_minutes_is_not_flat_yet() -> None:
    """B2: half an hour; a supply that is trimmed up holds its current for a while."""
    seen = in_the_tail([1.30] * 10)

    assert seen is not None
    assert seen.hours is not None
    assert seen.hours.middle > 1


def test_a_tail_that_is_done_waits_for_its_dwell() -> None:
    seen = in_the_tail([1.2 * 0.97**n for n in range(13)])

    assert seen is not None
    assert seen.hours is not None
    assert seen.hours.high <= 5 / 60


def test_a_tail_of_some_minutes_has_no_slope_yet() -> None:
    assert in_the_tail([16.0, 14.0, 12.5]) is None


def test_a_supply_in_cv_over_long_leads_holds_no_bank() -> None:
    """Its bank is at target for the last minute only: that is the hold, and all of its tail."""
    at_s = START.timestamp() + np.linspace(0.0, 660.0, 12)
    always = np.ones(12, dtype=np.float64)
    amps = np.full(12, 16.0, dtype=np.float64)
    volts = np.array([3.38] * 10 + [3.631, 3.632])
    cells_v = np.empty((12, 0))
    seen = Seen(at_s, always, always, amps, volts, volts + 0.27, cells_v, ())

    now = seen.progress(3.63)

    assert now.cv_since == START + timedelta(minutes=10)
    assert [amp for _, amp in now.tail] == [16.0, 16.0]
    assert seen.progress(3.64) == Progress(START + timedelta(minutes=11))
