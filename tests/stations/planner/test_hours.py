"""Hours before the start: an interval by the program itself, alternatives beside it (F5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.planner.alternatives import alternatives, parallel_hours
from stations.planner.hours import Course, charge_of, courses, halton, interval
from stations.planner.knowledge import (
    Known,
    known_by_volts,
    soc_of_rested,
    unknown_soc,
)
from stations.procedures.steps import Charge, Program
from stations.values import Window
from tests.stations.procedures.scripted import SUPPLY, program

GOOD_LEADS, GOOD_LINKS = Window(1e-3, 3e-3), Window(0.1e-3, 0.2e-3)


def charge(planned: Program) -> Charge:
    found = charge_of(planned)
    assert found is not None
    return found


def exactly(cells: int, soc: float, capacity_ah: float = 200.0) -> Known:
    return Known(capacity_ah, (Window(soc, soc),) * cells, GOOD_LEADS, GOOD_LINKS)


@pytest.mark.parametrize(
    ("cells", "soc", "hours_at_20_a"),
    [(4, 0.10, 36.0), (4, 0.50, 20.0), (4, 0.90, 4.3), (8, 0.90, 8.1), (16, 0.90, 16.0)],
)
def test_hours_follow_the_published_sums(cells: int, soc: float, hours_at_20_a: float) -> None:
    """Missing Ah over amps, plus a tail: our bench has 14.4 A where the table has 20 A."""
    planned = program(cells=cells)
    hours = interval(
        [c.hours for c in courses(planned, charge(planned), exactly(cells, soc), settings=3)]
    )

    assert hours.middle == pytest.approx(hours_at_20_a * 20 / 14.4, rel=0.10)
    assert hours.low < hours.middle < hours.high


def test_a_bank_of_sixteen_from_empty_is_no_night() -> None:
    """The article's overnight plan at 20 A: about 160 h, not 8."""
    assert parallel_hours(exactly(16, 0.0), 20.0).middle == pytest.approx(160, rel=0.03)


def test_a_plateau_voltage_tells_little_and_the_ends_much() -> None:
    def width(volts: float) -> float:
        known = soc_of_rested(volts)
        return known.high - known.low

    assert width(3.30) > 0.2
    assert width(3.336) > 0.2
    assert width(3.10) < 0.05
    assert width(3.45) < 0.01
    assert (soc_of_rested(2.0), soc_of_rested(4.0)) == (Window(0, 0), Window(1, 1))


def test_what_is_measured_makes_the_interval_narrower() -> None:
    planned = program()

    def spread(known: Known) -> float:
        hours = interval([c.hours for c in courses(planned, charge(planned), known, settings=3)])
        return hours.high - hours.low

    assert spread(known_by_volts([3.25] * 4, 200.0)) < 0.5 * spread(unknown_soc(4, 200.0))


def by_leads(leads_ohm: float) -> list[Course]:
    planned = program()
    known = Known(200.0, (Window(0.9, 0.9),) * 4, Window(leads_ohm, leads_ohm), GOOD_LINKS)
    return courses(planned, charge(planned), known, settings=3)


def test_long_leads_cost_hours() -> None:
    """28 mohm hold 10.4 A where the supply has 14.4 A."""
    short, long = (interval([c.hours for c in by_leads(ohm)]) for ohm in (0.005, 0.028))

    assert long.middle > 1.2 * short.middle


def test_a_charge_that_the_program_itself_would_break_off_is_said_not_to_finish() -> None:
    """Leads of 60 mohm: the meter could not be told from one that is wrong (B5, B6)."""
    assert all(course.finishes for course in by_leads(0.005))
    assert not any(course.finishes for course in by_leads(0.060))


def test_alternatives_are_quicker_and_fit_the_supply() -> None:
    planned = program(cells=16)
    known = known_by_volts([3.30] * 16, 200.0)
    hours = interval([c.hours for c in courses(planned, charge(planned), known, settings=3)])

    found = alternatives(charge(planned), SUPPLY, known, hours)

    words = " / ".join(a.words for a in found)
    assert "series pre-charge behind a BMS at 58.4 V" in words
    assert "two stations" in words
    assert "640 A" in words
    assert all(a.hours.middle <= 0.8 * hours.middle for a in found)
    assert [a.hours.middle for a in found] == sorted(a.hours.middle for a in found)


def test_no_series_string_is_offered_beyond_the_supply() -> None:
    planned = program(cells=16)
    small = replace(SUPPLY, voltage_max_v=30.0)
    known = known_by_volts([3.30] * 16, 200.0)

    found = alternatives(charge(planned), small, known, parallel_hours(known, 14.4))

    assert not any("series" in a.words for a in found)


def test_settings_lie_evenly() -> None:
    assert [halton(i, 2) for i in (1, 2, 3, 4)] == [0.5, 0.25, 0.75, 0.125]
    assert halton(2, 3) == pytest.approx(2 / 3)
