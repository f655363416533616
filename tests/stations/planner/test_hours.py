"""Hours before the start: an interval by the program itself (F5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stations.planner.hours import Course, charge_of, courses, halton, interval
from stations.planner.knowledge import (
    Known,
    known_by_volts,
    soc_of_rested,
    unknown_soc,
)
from stations.planner.seeds import DISAGREEMENTS
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
    planned = program(cells=16, supply=replace(SUPPLY, current_max_a=25.0))
    found = courses(planned, charge(planned), exactly(16, 0.0), settings=1)

    assert charge(planned).setpoint.current_a == 20.0
    assert interval([c.hours for c in found]).middle == pytest.approx(160, rel=0.03)
    assert "160 h" in next(d.words for d in DISAGREEMENTS if d.case.startswith("hours"))


def test_cells_of_which_the_same_is_known_are_played_as_one() -> None:
    """A bank of four and one cell of its size take the same hours, within minutes."""
    planned, known = program(), exactly(4, 0.9)
    a_little = Window(0.9, 0.9000001)
    apart = replace(known, soc=(*known.soc[1:], a_little))

    as_one, as_four = (
        interval([c.hours for c in courses(planned, charge(planned), cells, settings=2)]).middle
        for cells in (known, apart)
    )

    assert as_one == pytest.approx(as_four, abs=0.1)


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
    assert {c.stops.partition(":")[0] for c in by_leads(0.060)} == {"limited by the leads"}


def test_a_bulk_that_outlasts_its_time_limit_does_not_finish() -> None:
    planned = program()
    short = replace(charge(planned), timeout=timedelta(hours=20))

    early, late = (
        courses(planned, short, exactly(4, soc), settings=1)[0].stops for soc in (0.9, 0.1)
    )

    assert early == ""
    assert late.startswith("limited by its time: 5")
    assert late.endswith("the recipe stops it after 20 h")


def test_settings_lie_evenly() -> None:
    assert [halton(i, 2) for i in (1, 2, 3, 4)] == [0.5, 0.25, 0.75, 0.125]
    assert halton(2, 3) == pytest.approx(2 / 3)
