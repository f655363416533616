"""The discharge: its end, what trips or stops it, and what came out (B9, B16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.procedures import capacity_test
from stations.procedures.actions import Action, Hold, Next, SafeHold, Trip
from stations.procedures.decide import decide
from stations.procedures.resume import problems, resumed, waits_since
from stations.procedures.state import Run
from stations.procedures.steps import Discharge, Program
from stations.values import NAN, OffProof, Reading
from tests.stations.procedures.scripted import LOAD, START, SUPPLY, reading, run_at

AMPS = 100.0  # 0.5C of 200 Ah


def program(**recipe: Any) -> Program:
    return capacity_test.program(
        capacity_test.Spec(capacity_test.Recipe(**recipe), 200.0, 3.65, 2.50, SUPPLY, LOAD)
    )


def drawing(seconds: float, voltage_v: float = 3.2, **more: Any) -> Reading:
    """A reading with the load on, its leads dropping 3 mohm."""
    drawn_a = more.pop("drawn_a", AMPS)
    fields: dict[str, Any] = {
        "output_on": True,
        "voltage_v": voltage_v,
        "supply_voltage_v": voltage_v - 0.003 * drawn_a,
        "supply_current_a": -drawn_a,
        "cell_voltages_v": (voltage_v,),
        "regulation": "CC",
    }
    return reading(seconds, **(fields | more))


def discharging() -> Run:
    return run_at("discharge", program())


def play(run: Run, *items: Reading) -> tuple[Run, Action]:
    action: Action = Hold()
    for item in items:
        run, action = decide(run, item, item.at)
        if not isinstance(action, Hold):
            break
    return run, action


def test_ends_when_the_meter_has_seen_the_cut_off_twice() -> None:
    run, action = play(
        discharging(), drawing(1), drawing(2, 2.499), drawing(3, 2.50), drawing(4, 2.49)
    )

    record = run.records[-1]
    assert isinstance(action, Next)
    assert (record.kind, record.remarks) == ("discharge", ("done",))
    assert dict(record.facts)["end_voltage_v"] == 2.50


def test_in_a_taper_a_cell_that_still_comes_back_is_not_at_its_end() -> None:
    """The current before was larger: it left the cell below the cut-off, and not empty."""
    made = program()
    steps = tuple(replace(s, tail_a=2.0) if isinstance(s, Discharge) else s for s in made.steps)
    taper = run_at("discharge", replace(made, steps=steps))
    rising = [drawing(1, 2.480), drawing(2, 2.484), drawing(3, 2.487), drawing(4, 2.488)]

    run, action = play(taper, *rising)
    _, ended = play(taper, *rising, drawing(5, 2.488), drawing(6, 2.487))

    assert (run.below_cutoff, isinstance(action, Hold)) == (0, True)
    assert isinstance(ended, Next)


def test_one_reading_at_the_cut_off_is_no_end() -> None:
    _, action = play(discharging(), drawing(1, 2.49), drawing(2, 2.51), drawing(3, 2.49))

    assert isinstance(action, Hold)


@pytest.mark.parametrize(
    "unproven",
    [
        {"output_on": False},
        {"drawn_a": 90.0},
        {"drawn_a": 0.0},
        {"flags": frozenset({"meter_silent"})},
    ],
)
def test_the_cut_off_counts_only_while_the_load_is_proven_on(unproven: dict[str, Any]) -> None:
    item = drawing(1, 2.49, **unproven)

    run, action = play(discharging(), item, replace(item, at=item.at + timedelta(seconds=1)))

    assert not isinstance(action, Next)
    assert run.below_cutoff == 0


def test_what_came_out_is_the_integral_of_current_and_of_power() -> None:
    hour = [drawing(float(s), 3.2) for s in range(1, 3601)]

    run, _ = play(discharging(), *hour)

    assert run.step_drawn_ah == pytest.approx(100.0, abs=1e-6)
    assert run.step_drawn_wh == pytest.approx(320.0, abs=1e-6)
    assert run.charge_ah == 0.0


def test_a_cell_below_its_absolute_minimum_trips_before_the_cut_off_ends_the_step() -> None:
    _, action = play(discharging(), drawing(1, 2.45), drawing(2, 2.39))

    assert isinstance(action, Trip)
    assert "below the hard limit" in action.reason


@pytest.mark.parametrize(
    ("item", "kind", "words"),
    [
        (drawing(1, NAN), Trip, "hard limit"),
        (drawing(1, drawn_a=106.0), Trip, "A drawn, above the hard limit"),
        (drawing(1, age_s=4.0), SafeHold, "stale"),
        (
            drawing(1, flags=frozenset({"load_tripped_ot"})),
            Trip,
            "the load switched itself off by OT",
        ),
        (drawing(-1), Hold, ""),
    ],
)
def test_safety_is_judged_before_progress(item: Reading, kind: type[Action], words: str) -> None:
    _, action = play(discharging(), item)

    assert isinstance(action, kind)
    assert words in getattr(action, "reason", "")


def test_time_never_runs_back() -> None:
    _, action = play(discharging(), drawing(5), drawing(4))

    assert action == SafeHold("process time ran back")


def test_a_load_that_draws_nothing_is_not_waited_for() -> None:
    _, action = play(discharging(), *(drawing(float(s), drawn_a=0.0) for s in range(1, 20)))

    assert isinstance(action, SafeHold)
    assert "check its leads" in action.reason


def test_more_than_a_cell_can_hold_trips() -> None:
    run = replace(discharging(), step_drawn_ah=240.0)

    _, action = play(run, drawing(1))

    assert isinstance(action, Trip)
    assert "above the step's limit" in action.reason


def test_a_discharge_that_takes_too_long_trips() -> None:
    run = replace(discharging(), step_spent_s=3 * 3600.0)

    _, action = play(run, drawing(1))

    assert isinstance(action, Trip)
    assert "took longer" in action.reason


def test_a_load_that_lies_far_below_the_meter_is_in_doubt() -> None:
    apart = [drawing(float(s), supply_voltage_v=1.9) for s in (1, 2)]

    _, action = play(discharging(), *apart)

    assert isinstance(action, SafeHold)
    assert "disagree" in action.reason


@pytest.mark.parametrize(
    ("silence_s", "kind"), [(5.0, Hold), (5.1, SafeHold)], ids=["within", "beyond"]
)
def test_a_hole_above_5_s_makes_the_measurement_worth_nothing(
    silence_s: float, kind: type[Action]
) -> None:
    _, action = play(discharging(), drawing(1), drawing(1 + silence_s))

    assert isinstance(action, kind)


def test_readings_without_a_current_are_a_hole_too() -> None:
    mute = [
        drawing(float(s), supply_current_a=NAN, supply_voltage_v=NAN, flags=frozenset({flag}))
        for s, flag in ((2, "load_silent"), (8, ""))
    ]

    _, action = play(discharging(), drawing(1), *mute)

    assert isinstance(action, SafeHold)
    assert "not evidence" in action.reason


def test_cells_that_lie_beside_it_do_not_matter() -> None:
    beside = [
        drawing(float(s), volts, cell_voltages_v=(volts, 3.35, 3.60))
        for s, volts in ((1, 3.2), (2, 2.5), (3, 2.49))
    ]

    _, action = play(discharging(), *beside)

    assert isinstance(action, Next)


def test_the_leads_on_another_cell_than_the_scanners_first_are_in_doubt() -> None:
    other = [drawing(float(s), 3.2, cell_voltages_v=(3.35, 3.2, 3.2)) for s in (1, 2)]

    _, action = play(discharging(), *other)

    assert isinstance(action, SafeHold)
    assert "disagree" in action.reason


def test_a_capacity_is_never_resumed_and_a_bottom_balance_may_be() -> None:
    run, gap = discharging(), timedelta(minutes=1)
    made = run.program
    step = run.step
    assert isinstance(step, Discharge)
    plain = [replace(s, gap_max=None) if s is step else s for s in made.steps]
    bottom = replace(run, program=replace(made, steps=tuple(plain)))

    assert any("in one go" in words for words in problems(run, attempt=1, gap=gap))
    assert problems(bottom, attempt=1, gap=gap) == []
    again = resumed(
        replace(bottom, step_drawn_ah=12.0, drawn_ah=12.0),
        at=START,
        stopped=OffProof(START, START, 0.0),
        reason="the worker died",
    )
    assert again.step.name == "full"
    assert again.carried is not None
    assert again.carried.drawn_ah == 12.0


VOLTS = st.floats(2.0, 4.0) | st.just(NAN)
DRAWN = st.floats(-20.0, 130.0) | st.just(NAN)


@given(st.lists(st.tuples(VOLTS, DRAWN, st.booleans()), min_size=1, max_size=12))
def test_no_reading_ends_a_discharge_but_proven_ones_at_the_cut_off(
    seen: list[tuple[float, float, bool]],
) -> None:
    """Whatever is read: an end needs two readings in a row with the current there, in limits."""
    items = [
        drawing(float(second), volts, drawn_a=amps, output_on=on)
        for second, (volts, amps, on) in enumerate(seen, start=1)
    ]

    run, action = play(discharging(), *items)

    if isinstance(action, Next):
        last = [item for item in items if item.at <= run.records[-1].ended_at][-2:]
        assert len(last) == 2
        for item in last:
            assert item.output_on
            assert -item.supply_current_a >= 95.0
            assert 2.40 <= item.voltage_v <= 2.50


@given(st.lists(st.floats(95.0, 104.0), min_size=2, max_size=30))
def test_what_came_out_never_shrinks_and_is_the_sum_of_its_parts(amps: list[float]) -> None:
    run, drawn_ah = discharging(), [0.0]
    for second, drawn_a in enumerate(amps, start=1):
        item = drawing(float(second), drawn_a=drawn_a)
        run, _ = decide(run, item, item.at)
        drawn_ah.append(run.step_drawn_ah)

    inner = sum(0.5 * (a + b) for a, b in pairwise(amps))
    assert drawn_ah == sorted(drawn_ah)
    assert run.step_drawn_ah == pytest.approx((amps[0] + inner) / 3600)
    assert run.drawn_ah == run.step_drawn_ah


def test_a_discharge_that_is_resumed_waits_until_it_draws_again() -> None:
    """Its interruptions add up before that, and not after it."""
    run, _ = play(discharging(), drawing(1), drawing(3601))
    stopped = OffProof(START, START, 0.0)
    again = replace(
        resumed(run, at=START, stopped=stopped, reason="lost"), step_index=run.step_index
    )
    assert again.carried is not None
    again = replace(again, step_drawn_ah=again.carried.drawn_ah, last_at=None)

    drew, _ = play(again, drawing(4000), drawing(4010))

    assert waits_since(again) == stopped.received_at
    assert waits_since(drew) is None
