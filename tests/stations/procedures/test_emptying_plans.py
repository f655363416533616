"""The plans of capacity test and bottom balance, their dry runs, and the comparison (B9, B16)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stations.plain import from_plain, to_plain
from stations.procedures import bottom_balance, capacity_test
from stations.procedures.actions import Next, Refuse, SafeHold
from stations.procedures.check import problems
from stations.procedures.decide import decide
from stations.procedures.judge import bottom_results
from stations.procedures.state import Record
from stations.procedures.steps import Charge, Discharge, PlanRefused, Program
from stations.values import Limits, OffProof, Ratings
from tests.stations.procedures.scripted import (
    LOAD,
    METER,
    RATINGS,
    SCANNER,
    START,
    SUPPLY,
    program,
    reading,
    run_at,
)

WITH_LOAD = Ratings(SUPPLY, METER, SCANNER, LOAD)


def capacity(**recipe: Any) -> Program:
    return capacity_test.program(
        capacity_test.Spec(capacity_test.Recipe(**recipe), 200.0, 3.65, 2.50, SUPPLY, LOAD)
    )


def bottom(cells: int = 4, **recipe: Any) -> Program:
    return bottom_balance.program(
        bottom_balance.Spec(bottom_balance.Recipe(**recipe), cells, 200.0, 3.65, 2.50, LOAD)
    )


def discharges(made: Program) -> list[Discharge]:
    return [step for step in made.steps if isinstance(step, Discharge)]


def test_a_charge_below_the_supplys_step_is_refused_in_words() -> None:
    coarse = replace(SUPPLY, current_resolution_a=0.1)
    recipe = capacity_test.Recipe(charge_c=0.01)

    with pytest.raises(PlanRefused, match=r"0\.01C of a cell of 5 Ah is less than"):
        capacity_test.program(capacity_test.Spec(recipe, 5.0, 3.65, 2.50, coarse, LOAD))


@pytest.mark.parametrize("made", [capacity(), bottom(), bottom(tapers=False), bottom(finish="cv")])
def test_a_plan_passes_its_dry_run_and_survives_json(made: Program) -> None:
    assert problems(made, WITH_LOAD) == []
    assert from_plain(Program, to_plain(made)) == made


def test_a_capacity_test_draws_the_rated_current_to_the_cut_off() -> None:
    (step,) = discharges(capacity())

    assert (step.draw.current_a, step.cutoff_v) == (100.0, 2.50)
    assert step.gap_max == timedelta(seconds=5)


def test_a_bottom_balance_tapers_each_cell_by_itself() -> None:
    """B9: 0.2C, 0.05C, 0.01C of 200 Ah."""
    steps = discharges(bottom(cells=2))

    assert [step.draw.current_a for step in steps] == [40.0, 10.0, 2.0] * 2
    assert [step.cell for step in steps] == [1, 1, 1, 2, 2, 2]
    assert {step.tail_a for step in steps} == {2.0}


def test_the_single_step_stays_selectable_with_its_own_window() -> None:
    made = bottom(tapers=False)
    facts = dict(made.facts)

    assert [step.draw.current_a for step in discharges(made)] == [40.0] * 4
    assert (facts["spread_max_v"], facts["mean_low_v"], facts["mean_high_v"]) == (0.06, 2.70, 2.95)


@pytest.mark.parametrize("made", [capacity(), bottom()])
def test_the_loads_own_ends_lie_behind_ours(made: Program) -> None:
    for step in discharges(made):
        own = step.draw.cutoff
        assert 0.5 < own.voltage_v < made.limits.bank_voltage_min_v < step.cutoff_v
        assert step.timeout.total_seconds() < own.duration_s <= LOAD.duration_max_s


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cutoff_v": 2.4}, "below the cell's own limit"),
        ({"target_v": 3.7}, "above the cell's own"),
    ],
)
def test_a_test_beyond_the_cells_datasheet_is_refused(
    changes: dict[str, float], words: str
) -> None:
    with pytest.raises(PlanRefused, match=words):
        capacity(**changes)


def test_a_bottom_balance_never_goes_below_the_cells_own_limit() -> None:
    with pytest.raises(PlanRefused, match="below the cell's own limit"):
        bottom(target_v=2.4)


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        (RATINGS, "no load"),
        (replace(WITH_LOAD, load=replace(LOAD, current_max_a=30.0)), "what IT8514C+ can hold"),
        (replace(WITH_LOAD, load=replace(LOAD, power_max_w=60.0)), "370 W"),
        (replace(WITH_LOAD, load=replace(LOAD, duration_max_s=600.0)), "times itself"),
    ],
)
def test_the_dry_run_names_what_the_load_cannot_do(ratings: Ratings, words: str) -> None:
    assert any(words in problem for problem in problems(capacity(), ratings))


def test_the_dry_run_refuses_long_leads_that_leave_the_load_no_cut_off_of_its_own() -> None:
    assert any(
        "own cut-off" in words for words in problems(capacity(load_lead_max_ohm=0.03), WITH_LOAD)
    )


def test_the_dry_run_wants_each_emptied_cell_to_rest_before_the_next() -> None:
    made = bottom(cells=2)
    hasty = replace(made, steps=tuple(s for s in made.steps if s.name != "rest-1"))

    assert any("cell 1 is not measured" in words for words in problems(hasty, WITH_LOAD))


def with_limits(made: Program, **changes: Any) -> Program:
    limits: Limits = replace(made.limits, **changes)
    return replace(made, limits=limits)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (with_limits(capacity(), drawn_max_a=99.0), "hard limit of the load's current"),
        (with_limits(capacity(), drawn_max_ah=10.0), "may draw more"),
        (with_limits(capacity(), bank_voltage_min_v=2.5), "not below the cut-off"),
        (with_limits(program(), drawn_max_a=1.0), "never discharges"),
    ],
)
def test_the_dry_run_holds_the_limits_against_the_steps(made: Program, words: str) -> None:
    assert any(words in problem for problem in problems(made, WITH_LOAD))


def test_the_dry_run_wants_the_cell_verified_just_before() -> None:
    made = capacity()
    bare = replace(made, steps=tuple(s for s in made.steps if s.name != "full"))

    assert any("nothing verifies the cells" in words for words in problems(bare, WITH_LOAD))


def test_a_bottom_balance_can_never_charge() -> None:
    made = bottom()

    assert not any(isinstance(step, Charge) for step in made.steps)
    assert any(
        "never charges" in w for w in problems(with_limits(made, current_max_a=1.0), WITH_LOAD)
    )


def rested(*volts: float, late: Mapping[int, float] = {}) -> list[Record]:
    ended = START + timedelta(minutes=30)
    return [
        Record(
            "rest",
            "rest",
            START,
            ended,
            facts=(("voltage_v", volt), ("age_s", late.get(position, 1800.0))),
            cell=position,
            stopped=OffProof(START + timedelta(seconds=position), START, 0.0),
            received_at=ended + timedelta(seconds=position),
        )
        for position, volt in enumerate(volts, start=1)
    ]


@pytest.mark.parametrize(
    ("volts", "verdicts"),
    [
        ((2.545, 2.550, 2.555), ["pass"] * 3),
        ((2.550, 2.550, 2.561), ["pass", "pass", "fail"]),  # 11 mV: the odd one
        ((2.66, 2.66, 2.66), ["fail"] * 3),  # the mean
        ((2.55, float("nan"), 2.55), ["fail"] * 3),
    ],
)
def test_rested_cells_are_judged_together(volts: tuple[float, ...], verdicts: list[str]) -> None:
    results, words = bottom_results(bottom_balance.Recipe().rule, rested(*volts))

    assert [cell.verdict for cell in results] == verdicts
    assert {cell.age_s for cell in results} == {1800.0}
    assert "from the lowest to the highest" in words[0]
    for cell in results:
        assert cell.window.contains(cell.voltage_v) or cell.verdict == "fail"


def test_a_cell_that_rested_longer_is_missing_and_moves_nobody_elses_limits() -> None:
    """An interruption counts as rest; after an hour the voltage is another one."""
    rests = rested(2.545, 2.570, 2.550, late={2: 3600.0})

    results, words = bottom_results(bottom_balance.Recipe().rule, rests)
    alone, _ = bottom_results(bottom_balance.Recipe().rule, rests[:2])

    assert [cell.verdict for cell in results] == ["pass", "missing", "pass"]
    assert "5.0 mV" in words[0]
    assert [cell.verdict for cell in alone] == ["missing", "missing"]


def test_one_cell_by_itself_is_held_against_the_mean() -> None:
    """A cell that was emptied again; the gate compares it with its neighbours."""
    rule = bottom_balance.Recipe().rule

    verdicts = [bottom_results(rule, rested(volt))[0][0].verdict for volt in (2.55, 2.66)]

    assert verdicts == ["pass", "fail"]


def test_a_cell_that_is_nearly_empty_is_charged_a_little_first() -> None:
    """From 3 % it would rest 30 mV above cells that come from 10 % or more."""
    run, seen = run_at("rested", bottom(cells=2)), (3.28, 2.84)
    for second in range(1, 6):
        item = reading(float(second), cell_voltages_v=seen)
        run, action = decide(run, item, item.at)
        if isinstance(action, Refuse):
            break

    assert isinstance(action, Refuse)
    (words,) = action.problems
    assert "Cell 2 rests at 2.840 V" in words
    assert "levelling it to 3.25 V" in words


def test_cells_are_compared_only_when_each_has_rested() -> None:
    run = run_at("compare", bottom(cells=2))
    item = reading(1, cell_voltages_v=(2.55, 2.55))

    _, action = decide(replace(run, records=tuple(rested(2.55))), item, item.at)
    done, finished = decide(replace(run, records=tuple(rested(2.55, 2.552))), item, item.at)

    assert isinstance(action, SafeHold)
    assert "cell 2" in action.reason
    assert isinstance(finished, Next)  # to the leads of the last cell
    verdicts = done.records[-2:]
    assert [(r.cell, r.cells[0].verdict) for r in verdicts] == [(1, "pass"), (2, "pass")]
    assert [r.stopped for r in verdicts] == [r.stopped for r in rested(2.55, 2.552)]
    assert [r.cells[0].received_at for r in verdicts] == [
        r.received_at for r in rested(2.55, 2.552)
    ]
