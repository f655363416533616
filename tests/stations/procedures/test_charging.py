"""Tail, trim and timeouts of the CC/CV charge (B1, B2, B5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.procedures.actions import Action, Hold, Next, SafeHold, Set, Trip
from stations.procedures.charging import begins_at, disagreement
from stations.procedures.decide import decide
from stations.procedures.state import Run
from stations.procedures.steps import Charge
from stations.values import Reading, Setpoint
from tests.stations.procedures.scripted import holding, program, run_at


def play(run: Run, items: list[Reading]) -> tuple[Run, Action]:
    action: Action = Hold()
    for item in items:
        run, action = decide(run, item, item.at)
        if not isinstance(action, Hold | Set):
            break
        if isinstance(action, Set):
            run = replace(run, setpoint=action.setpoint)
    return run, action


def hold_for(minutes: int, current_a: float, voltage_v: float = 3.648) -> list[Reading]:
    return [holding(60.0 * m, current_a, voltage_v) for m in range(1, minutes + 1)]


def test_is_done_after_half_an_hour_in_cv_with_the_tail_held() -> None:
    run, action = play(run_at("balance"), hold_for(60, 0.9))

    facts = dict(run.records[-1].facts)
    assert isinstance(action, Next)
    assert run.records[-1].remarks == ("done",)
    assert facts["cv_s"] == 1800.0
    assert facts["tail_a"] == pytest.approx(0.9)
    assert facts["done_a"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("current_a", "voltage_v", "why"),
    [
        (1.01, 3.648, "above the tail limit"),
        (0.9, 3.629, "the bank is not at target"),
    ],
)
def test_is_never_done(current_a: float, voltage_v: float, why: str) -> None:
    _, action = play(run_at("balance"), hold_for(120, current_a, voltage_v))

    assert isinstance(action, Hold | Set), why


def test_a_lead_that_came_off_looks_like_a_tail_and_holds_safe() -> None:
    _, action = play(run_at("balance"), hold_for(40, 0.0))

    assert isinstance(action, SafeHold)
    assert "check the leads" in action.reason


def test_one_weak_cell_on_the_scanner_keeps_the_hold() -> None:
    weak = [
        replace(item, cell_voltages_v=(3.648, 3.648, 3.62, 3.648)) for item in hold_for(120, 0.9)
    ]

    _, action = play(run_at("balance"), weak)

    assert isinstance(action, Hold | Set)


def test_is_not_done_before_the_charge_that_the_start_implies() -> None:
    run = replace(run_at("balance"), least_charge_ah=50.0)

    _, action = play(run, hold_for(120, 0.9))

    assert isinstance(action, Hold | Set)


def test_a_tail_that_rises_again_starts_its_dwell_anew() -> None:
    items = [holding(60.0 * m, 0.9) for m in range(1, 29)]
    items += [holding(60.0 * m, 1.2) for m in range(29, 32)]
    items += [holding(60.0 * m, 0.9) for m in range(32, 40)]

    run, action = play(run_at("balance"), items)

    assert isinstance(action, Next)
    assert run.records[-1].ended_at == holding(60.0 * 37, 0.9).at


def test_a_hold_that_times_out_below_the_partial_limit_is_essentially_balanced() -> None:
    run, action = play(run_at("balance"), hold_for(400, 1.5))

    assert isinstance(action, Next)
    assert "essentially balanced" in run.records[-1].remarks


def test_a_hold_that_times_out_above_the_partial_limit_trips_and_names_the_flat_tail() -> None:
    run, action = play(run_at("balance"), hold_for(400, 2.5))

    assert isinstance(action, Trip)
    assert any("flat tail: 2.50 A" in words for words in run.alarms)


def test_the_set_point_follows_the_bank_meter_down() -> None:
    _, action = decide(run_at("balance"), holding(60, 5.0, 3.662), holding(60, 5.0).at)

    assert action == Set(Setpoint(3.63, 14.4))


def test_a_supply_that_reads_low_may_rise_only_late_and_while_the_bank_has_room() -> None:
    early, late = holding(60, 2.1, 3.62), holding(60, 1.9, 3.62)

    assert isinstance(decide(run_at("balance"), early, early.at)[1], Hold)
    assert decide(run_at("balance"), late, late.at)[1] == Set(Setpoint(3.66, 14.4))


def test_the_set_point_never_rises_beyond_the_supplys_accuracy() -> None:
    run = replace(run_at("balance"), setpoint=Setpoint(3.69, 14.4))

    _, action = decide(run, holding(60, 1.0, 3.60), holding(60, 1.0).at)

    assert isinstance(action, Hold)


def test_a_set_point_is_not_changed_twice_on_one_reading() -> None:
    run, first = decide(run_at("balance"), holding(60, 5.0, 3.662), holding(60, 5.0).at)
    _, second = decide(run, holding(61, 5.0, 3.662), holding(61, 5.0).at)

    assert isinstance(first, Set)
    assert isinstance(second, Hold)


def test_in_cc_the_set_point_is_left_alone() -> None:
    item = holding(60, 14.4, 3.5, regulation="CC")

    assert isinstance(decide(run_at("balance"), item, item.at)[1], Hold)


def test_the_last_part_is_finished_slowly() -> None:
    big = program(supply_share=1.0)
    run = run_at("balance", big)
    step = replace(run.step, finish_current_a=6.0)  # type: ignore[arg-type]
    run = replace(run, program=replace(big, steps=(*big.steps[:3], step, *big.steps[4:])))
    item = holding(60, 14.4, 3.46, regulation="CC")

    _, action = decide(run, item, item.at)

    assert action == Set(Setpoint(3.65, 6.0))


def test_a_bank_above_the_alarm_is_named_once() -> None:
    run = run_at("balance")
    for second in (1, 2, 3):
        run, _ = decide(run, holding(second, 5.0, 3.675), holding(second, 5.0).at)

    assert len(run.alarms) == 1


def test_lead_resistance_is_seen_while_current_flows() -> None:
    run, _ = decide(run_at("balance"), holding(1, 10.0, 3.5), holding(1, 10.0).at)

    assert run.lead_ohm == pytest.approx(0.005)


def test_lead_resistance_takes_the_commissioned_offset_out() -> None:
    """Terminals are what the supply shows plus its offset: 20 mV low here, in 50 mV of drop."""
    run = run_at("balance", program(supply_offset_v=0.02))
    item = replace(holding(1, 10.0, 3.5), supply_voltage_v=3.53)

    run, _ = decide(run, item, item.at)

    assert run.lead_ohm == pytest.approx(0.005)


def test_a_supply_that_gives_and_shows_too_much_is_judged_by_each_of_the_two() -> None:
    """It gives 40 mV more than it is set to and shows 40 mV more than it gives: both in its 41."""
    known = program(supply_offset_v=0.04, shown_offset_v=-0.04)
    charging, near_done = (
        replace(holding(m, amps, 3.5), supply_voltage_v=3.5 + 0.005 * amps + 0.04)
        for m, amps in ((1, 10.0), (2, 0.2))
    )

    run, action = play(run_at("balance", known), [charging])
    assert run.lead_ohm == pytest.approx(0.005)
    assert isinstance(action, Hold | Set)
    step = run.step
    assert isinstance(step, Charge)
    assert disagreement(step, near_done) == ""
    assert begins_at(run_at("balance", known), step).voltage_v == pytest.approx(3.61)


def test_below_where_it_last_fed_the_bank_it_waits_for_it_to_relax() -> None:
    """A supply that gives more than it shows is trimmed; a full bank takes an hour to relax."""
    fed = replace(run_at("balance"), setpoint=Setpoint(3.64, 14.4))
    fed, _ = play(fed, [holding(60, 2.0, 3.640)])
    trimmed = replace(fed, setpoint=Setpoint(3.63, 14.4))

    run, action = play(trimmed, [holding(60.0 * m, 0.0, 3.646) for m in range(2, 50)])

    assert isinstance(action, Hold)
    assert run.tail_since is None  # and nothing is done by it


def test_a_bank_above_its_supply_is_not_trimmed_after() -> None:
    run = replace(run_at("balance"), setpoint=Setpoint(3.60, 14.4))

    run, action = play(run, [holding(60.0 * m, 0.0, 3.652) for m in range(1, 10)])

    assert isinstance(action, Hold)


def test_the_next_hold_begins_as_far_below_target_as_the_one_before_was_trimmed() -> None:
    run = run_at("refresh")
    assert isinstance(run.step, Charge)

    assert begins_at(run, run.step) == run.step.setpoint
    assert begins_at(replace(run, trimmed_v=0.03), run.step).voltage_v == pytest.approx(3.62)
    assert begins_at(replace(run, trimmed_v=-0.03), run.step) == run.step.setpoint


def test_a_supply_that_was_commissioned_to_give_more_begins_below_target() -> None:
    run = run_at("balance", program(supply_offset_v=0.02))
    assert isinstance(run.step, Charge)

    assert begins_at(run, run.step).voltage_v == pytest.approx(3.63)
