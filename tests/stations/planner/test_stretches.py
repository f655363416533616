"""Hours of every procedure that charges, who must be there when, and the surge (F5, B3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.planner.hours import PERSON, Interval, charge_of, courses, interval
from stations.planner.knowledge import Known
from stations.planner.presence import visits
from stations.planner.stretches import acts, ahead, stretches
from stations.planner.surge import surges
from stations.procedures import capacity_test, levelling, recheck, single_cells, step_pause
from stations.procedures.steps import Program
from stations.runner import begun, run
from stations.values import OffProof, Window
from stations.virtual import VirtualBench
from tests.stations.planner.random_jobs import end_of
from tests.stations.procedures.scripted import LOAD, START, SUPPLY, program, spec
from tests.stations.procedures.test_emptying_plans import bottom

LEADS, LINKS = Window(4e-3, 6e-3), Window(0.2e-3, 0.4e-3)


def step_and_pause() -> Program:
    recipe = step_pause.Recipe()
    return step_pause.program(replace(spec(), recipe=recipe), recipe)


def one_by_one(cells: int = 4) -> Program:
    return single_cells.program(spec(cells=cells))


def level() -> Program:
    recipe = levelling.Recipe()
    return levelling.program(replace(spec(cells=2), recipe=recipe), recipe)


def capacity() -> Program:
    recipe = capacity_test.Recipe()
    return capacity_test.program(capacity_test.Spec(recipe, 200.0, 3.65, 2.50, SUPPLY, LOAD))


def hours_of(made: Program, soc: float, **known: Any) -> Interval:
    charge = charge_of(made)
    assert charge is not None
    exactly = Known(200.0, (Window(soc, soc),) * made.cells, LEADS, LINKS, **known)
    found = courses(made, charge, exactly, settings=4)
    assert all(course.finishes for course in found)
    return interval([course.hours for course in found])


def played(made: Program, soc: float, cells: int) -> float:
    """Hours of the first stretch, whole, by the program itself on nominal cells."""
    bank = Bank(
        [cell_of(200.0)] * cells,
        Wiring(link_ohm=0.3e-3, lead_ohm=5e-3),
        soc=[soc] * cells,
        linked=False,
        fed=False,
    )
    bench = VirtualBench(bank, person=PERSON, sample_s=5.0)
    outcome = run(begun(replace(end_of(made), cells=cells), bench.clock.now()), bench)
    first, last = outcome.run.records[1], outcome.run.records[-2]
    return (last.ended_at - first.entered_at).total_seconds() / 3600


@pytest.mark.parametrize(
    ("made", "soc", "at_once", "turns"),
    [
        (step_and_pause(), 0.85, 4, 1),
        (one_by_one(), 0.85, 1, 4),
        (level(), 0.25, 2, 1),
        (capacity(), 0.85, 1, 1),
    ],
)
def test_hours_are_those_of_the_very_program(
    made: Program, soc: float, at_once: int, turns: int
) -> None:
    true_h = turns * played(made, soc, at_once)

    hours = hours_of(made, soc)

    assert 0.9 * hours.low < true_h < 1.1 * hours.high


def test_a_stretch_is_what_lies_between_two_acts_of_a_person() -> None:
    def names(made: Program) -> list[list[str]]:
        return [[step.name for step in stretch.steps] for stretch in stretches(made)]

    assert names(program()) == [["balance"]]
    assert names(step_and_pause()) == [
        ["first", "pause-first", "second", "pause-second", "balance"]
    ]
    assert names(one_by_one(2)) == [["balance-1"], ["balance-2"]]
    assert names(capacity()) == [["fill", "rest-full", "full", "discharge", "rest-empty"]]


@pytest.mark.parametrize(
    ("made", "step", "names"),
    [
        (program(), "balance", [["balance"]]),
        (program(), "refresh", [["refresh"]]),
        (program(), "connect", []),
        (step_and_pause(), "pause-second", [["pause-second", "balance"]]),
        (capacity(), "discharge", [["discharge", "rest-empty"]]),
        (bottom(2), "rest-1", [["rest-1"], ["empty-2-1", "empty-2-2", "empty-2-3", "rest-2"]]),
        (
            single_cells.program(spec(cells=2), routed=True),
            "balance-1",
            [["balance-1"], ["balance-2"]],
        ),
    ],
)
def test_what_is_ahead_begins_with_the_present_step(
    made: Program, step: str, names: list[list[str]]
) -> None:
    assert [[one.name for one in found.steps] for found in ahead(made, step)] == names


def test_a_re_check_has_no_stretch() -> None:
    stopped = OffProof(START, START, 0.0)
    made = recheck.program(recheck.Spec(recheck.Recipe(), (1, 1), 3.65, stopped, 3.65, 2.50))

    assert stretches(made) == ()
    assert [[step.name for step in asked] for asked in acts(made)] == [["place"]]


def test_who_must_be_there_when() -> None:
    """Connect at the start, then again when the tail is done."""
    hours = Interval(10.0, 12.0, 15.0)

    connect, finish = visits(program(), hours)

    assert connect.titles == ("Join the cells and connect the supply",)
    assert connect.after.high == 0.0
    assert len(finish.titles) == 2
    assert (finish.after.low, finish.after.high) == (10.25, 15.25)


def test_who_takes_the_leads_off_in_the_end_is_told_when() -> None:
    connect, off = visits(capacity(), Interval(10.0, 12.0, 15.0))

    assert connect.titles == ("Connect the cell",)
    assert off.titles == ("Take the leads off the cell",)
    assert off.after.middle == 12.25


def test_cells_one_by_one_need_as_many_visits_and_one_more() -> None:
    found = visits(one_by_one(4), Interval(20.0, 24.0, 28.0))

    assert len(found) == 5
    assert found[1].titles[-1] == "Connect cell 2 alone"
    assert found[2].after.middle == pytest.approx(12.5)


def test_the_surge_is_told_before_anybody_measures() -> None:
    """B3: 150 mV through 0.55 mohm, one cell of four low."""
    found = {surge.spread_v: surge for surge in surges(program())}

    assert found[0.150].peak_a == pytest.approx(0.150 * 3 / 4 / 0.00055)
    assert [found[v].verdict for v in (0.020, 0.100, 0.150)] == ["pass", "marginal", "fail"]
    assert surges(one_by_one()) == ()
