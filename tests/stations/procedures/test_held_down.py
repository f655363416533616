"""The bottom balance that finishes in CV: its plan, its dry run and how its hold ends (B9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stations.procedures.actions import Hold, Next, SafeHold, Trip
from stations.procedures.check import problems
from stations.procedures.progress import enter_next
from stations.procedures.resume import resumed
from stations.procedures.state import Run
from stations.procedures.steps import Discharge, PlanRefused, Program
from stations.values import NAN, OffProof, Reading
from tests.stations.procedures.scripted import LOAD, START, reading, run_at
from tests.stations.procedures.test_discharging import play
from tests.stations.procedures.test_emptying_plans import WITH_LOAD, bottom, discharges

HOLD = "empty-1-2"


def held(**recipe: Any) -> Program:
    return bottom(2, finish="cv", **recipe)


def holding(seconds: float, drawn_a: float, voltage_v: float | None = None, **more: Any) -> Reading:
    """A reading with the load in CV at 2.505 V, 5 mΩ of leads, on the first cell."""
    meter_v = 2.505 + 0.005 * drawn_a if voltage_v is None else voltage_v
    fields: dict[str, Any] = {
        "output_on": True,
        "voltage_v": meter_v,
        "supply_voltage_v": 2.505,
        "supply_current_a": -drawn_a,
        "cell_voltages_v": (meter_v, 3.2),
        "regulation": "CV",
    }
    return reading(seconds, **(fields | more))


def at_hold() -> Run:
    return run_at(HOLD, held())


def test_after_the_first_current_the_load_holds_the_voltage() -> None:
    first, hold, *others = discharges(held())

    assert [step.draw.holds for step in (first, hold, *others)] == [False, True, False, True]
    assert (first.draw.current_a, first.cutoff_v) == (40.0, 2.50)
    assert (hold.draw.current_a, hold.draw.cutoff.voltage_v) == (40.0, 2.505)
    assert (hold.cutoff_v, hold.tail_a) == (2.50, 1.0)
    assert hold.timeout.total_seconds() < hold.draw.cutoff.duration_s <= LOAD.duration_max_s
    assert dict(held().facts)["cv_end_a"] == 1.0


@pytest.mark.parametrize("first_c", [0.1, 0.2, 0.5])
def test_a_hold_may_take_as_long_as_the_recipe_says_whatever_the_current_before_it(
    first_c: float,
) -> None:
    """B9: a large first current ends sooner, the tail after it does not."""
    _, hold = discharges(bottom(1, finish="cv", first_c=first_c, taper_max_s=5 * 3600.0))

    assert hold.timeout == timedelta(hours=5)
    assert hold.draw.cutoff.duration_s == 5 * 3600.0 + 60.0


def test_a_hold_is_no_longer_than_the_load_times_itself() -> None:
    _, hold = discharges(bottom(1, finish="cv", taper_max_s=24 * 3600.0))

    assert hold.timeout.total_seconds() < hold.draw.cutoff.duration_s <= LOAD.duration_max_s


def test_its_comparison_is_that_of_the_taper() -> None:
    assert held().steps[-2] == bottom(2).steps[-2]


def test_what_is_held_is_never_below_the_target_at_the_loads_own_step() -> None:
    _, hold, *_ = discharges(held(target_v=2.5004, hold_above_v=0.0))

    assert hold.draw.cutoff.voltage_v == 2.501


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"finish": "slowly"}, "'steps' or 'cv'"),
        ({"finish": "cv", "tapers": False}, "goes on after it"),
        ({"finish": "cv", "target_v": 2.4}, "below the cell's own limit"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused_in_words(
    recipe: dict[str, Any], words: str
) -> None:
    with pytest.raises(PlanRefused, match=words):
        bottom(**recipe)


def test_the_dry_run_refuses_a_load_that_holds_no_voltage() -> None:
    ratings = replace(WITH_LOAD, load=replace(LOAD, has_cv=False))

    assert any("holds no voltage" in words for words in problems(held(), ratings))
    assert problems(bottom(), ratings) == []


def test_the_dry_run_refuses_an_end_that_the_load_cannot_tell_from_nothing() -> None:
    """Its ammeter's zero may be two counts."""
    ratings = replace(WITH_LOAD, load=replace(LOAD, current_resolution_a=0.2))

    assert any("cannot tell from nothing" in words for words in problems(held(), ratings))


def test_the_dry_run_refuses_a_hold_below_the_cut_off() -> None:
    made = held()
    low = tuple(
        replace(step, cutoff_v=2.52) if isinstance(step, Discharge) and step.draw.holds else step
        for step in made.steps
    )

    assert any("hold 2.505 V, below" in w for w in problems(replace(made, steps=low), WITH_LOAD))


def test_it_is_done_when_so_little_was_drawn_twice_in_a_row() -> None:
    _, early = play(at_hold(), holding(1, 4.0), holding(2, 1.0), holding(3, 1.01), holding(4, 0.99))
    run, action = play(at_hold(), holding(1, 4.0), holding(2, 1.0), holding(3, 0.98))

    record = run.records[-1]
    assert isinstance(early, Hold)
    assert isinstance(action, Next)
    assert (record.kind, record.cell, record.remarks) == ("discharge", 1, ("done",))
    facts = dict(record.facts)
    assert (facts["current_a"], facts["taper_a"], facts["held_v"]) == (0.98, 1.0, 2.505)


@pytest.mark.parametrize(
    "unproven",
    [
        {"flags": frozenset({"load_silent"})},
        {"flags": frozenset({"load_protection"})},
        {"drawn_a": 0.4},
        {"drawn_a": NAN},
        {"output_on": False},
        {"voltage_v": 2.60, "supply_voltage_v": 2.60, "cell_voltages_v": (2.60, 3.2)},
    ],
)
def test_little_current_is_no_end_where_the_hold_is_not_proven(unproven: dict[str, Any]) -> None:
    drawn_a = unproven.pop("drawn_a", 0.9)
    items = [holding(float(second), drawn_a, **unproven) for second in range(1, 10)]

    run, action = play(at_hold(), *items)

    assert not isinstance(action, Next)
    assert not any("done" in record.remarks for record in run.records)


@pytest.mark.parametrize("meter_v", [2.499, 2.45])
def test_a_cell_below_the_cut_off_switches_the_load_off(meter_v: float) -> None:
    """The load's voltmeter reads high: the meter on the cell judges, before the tail ends it."""
    low = [holding(float(s), 0.9, meter_v, supply_voltage_v=meter_v) for s in (2, 3)]

    _, once = play(at_hold(), holding(1, 4.0), low[0], holding(3, 4.0), low[1])
    _, action = play(at_hold(), holding(1, 4.0), *low)

    assert not isinstance(once, SafeHold)
    assert isinstance(action, SafeHold)
    assert "its voltmeter reads high" in action.reason
    assert "hold_above_v" in action.reason


def test_a_load_that_draws_on_is_tripped_at_the_hard_limit() -> None:
    _, action = play(at_hold(), holding(1, 40.0, 2.52), holding(2, 40.0, 2.39))

    assert isinstance(action, Trip)
    assert "below the hard limit of 2.400 V" in action.reason


def test_more_than_the_sessions_limit_trips_in_a_hold_too() -> None:
    _, action = play(at_hold(), holding(1, 43.0, 2.70))

    assert isinstance(action, Trip)
    assert "43.00 A drawn" in action.reason


def test_a_hold_that_gives_nothing_is_ended_with_what_is_seen() -> None:
    idle = [holding(float(s), 0.0, 2.60, supply_voltage_v=2.60) for s in range(1, 20)]

    _, action = play(at_hold(), *idle)

    assert isinstance(action, SafeHold)
    assert "draws 0.00 A, with the meter at 2.600 V: check its leads" in action.reason


def test_a_cell_that_the_first_current_left_below_gives_nothing_until_it_has_come_back() -> None:
    low = [holding(float(s), 0.0, 2.48 + s / 1000, supply_voltage_v=2.48) for s in range(1, 30)]
    back = [holding(30.0, 3.0), holding(31.0, 1.0), holding(32.0, 0.9)]

    _, waits = play(at_hold(), *low)
    _, action = play(at_hold(), *low, *back)

    assert isinstance(waits, Hold)
    assert isinstance(action, Next)


def test_a_hold_without_an_end_is_tripped_by_its_time() -> None:
    run = at_hold()
    assert isinstance(run.step, Discharge)
    late = run.step.timeout.total_seconds() + 1.0

    _, action = play(run, holding(late, 2.0))

    assert isinstance(action, Trip)
    assert "took longer than" in action.reason


def test_an_interrupted_hold_goes_on_without_the_first_current() -> None:
    """40 A out of a cell that is nearly empty would leave it elsewhere than its neighbours."""
    run, _ = play(at_hold(), holding(1, 4.0), holding(2, 3.9))
    at = START + timedelta(minutes=2)

    again = resumed(run, at=at, stopped=OffProof(at, at, 0.0), reason="worker lost")
    while again.step.name != HOLD:
        again = enter_next(again, at)

    assert again.under_hold == 0
    skipped = [record.step for record in again.records if record.kind == "skipped"]
    assert skipped[-1] == "empty-1-1"
