"""“Ready by 06:00” gives the start, by the slow end of the hours (F6, B19)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stations.planner.hours import Interval
from stations.planner.presence import visits
from stations.planner.schedule import Schedule, schedule
from tests.stations.procedures.scripted import program

SIX = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
HOURS = Interval(5.0, 6.0, 7.5)


def made(hold_h: float = 4.0) -> Schedule:
    asked = visits(program(), HOURS)
    return schedule(asked, HOURS, ready_by=SIX, hold_max=timedelta(hours=hold_h))


def test_the_start_is_the_end_less_the_slow_hours_and_a_quarter_for_hands() -> None:
    """A's night: begun at 22:15 with 15 min of attention, done by 06:00."""
    plan = made()

    assert plan.begin_at == datetime(2026, 11, 26, 22, 15, tzinfo=UTC)
    assert plan.attention == timedelta(minutes=15)


def test_it_says_who_must_be_there_when() -> None:
    first, last = made().calls

    assert first.earliest == first.latest == made().begin_at
    assert "Join the cells" in first.titles[0]
    assert last.latest == SIX
    assert last.earliest == SIX - timedelta(hours=2.5)


@pytest.mark.parametrize(("hold_h", "held"), [(4.0, True), (2.5, True), (2.0, False), (0.0, False)])
def test_a_bank_that_is_early_is_held_for_its_person_as_long_as_may_be(
    hold_h: float, held: bool
) -> None:
    plan = made(hold_h)

    assert plan.waits_max == timedelta(hours=2.5)
    assert plan.held is held
