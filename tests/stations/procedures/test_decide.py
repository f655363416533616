"""decide: safety before progress, on every reading (B2, B5, G's evidence begins here)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.procedures.actions import Hold, Next, SafeHold, Trip
from stations.procedures.decide import decide
from stations.procedures.progress import confirm
from stations.values import NAN, Reading
from tests.stations.procedures.scripted import START, holding, program, reading, run_at

ON = {"output_on": True, "regulation": "CC", "supply_current_a": 14.4}


def test_trips_when_the_bank_is_above_its_hard_limit() -> None:
    _, action = decide(run_at("balance"), holding(1, 14.4, 3.7005), START)

    assert isinstance(action, Trip)
    assert "3.701 V" in action.reason or "3.700 V" in action.reason


@pytest.mark.parametrize("channel", ["voltage_v", "supply_current_a"])
def test_trips_on_nan_while_the_output_is_on(channel: str) -> None:
    changes: dict[str, Any] = {channel: NAN}

    _, action = decide(run_at("balance"), replace(holding(1, 5.0), **changes), START)

    assert isinstance(action, Trip)


def test_trips_on_nan_in_one_cell() -> None:
    bad = replace(holding(1, 5.0), cell_voltages_v=(3.6, NAN, 3.6, 3.6))

    _, action = decide(run_at("balance"), bad, START)

    assert isinstance(action, Trip)
    assert "cell 2" in action.reason


@given(
    voltage=st.one_of(st.floats(min_value=3.7001), st.just(math.nan), st.floats(max_value=2.49)),
    step=st.sampled_from(["balance", "refresh"]),
)
def test_no_voltage_outside_the_hard_limits_goes_on(voltage: float, step: str) -> None:
    _, action = decide(run_at(step), replace(holding(1, 1.0), voltage_v=voltage), START)

    assert isinstance(action, Trip)


@pytest.mark.parametrize("age_s", [3.001, math.nan, math.inf])
def test_holds_safe_when_a_reading_is_stale(age_s: float) -> None:
    _, action = decide(run_at("balance"), replace(holding(1, 5.0), age_s=age_s), START)

    assert action == SafeHold("reading is stale", resumable=True)


def test_holds_safe_when_time_runs_back() -> None:
    run, _ = decide(run_at("balance"), holding(10, 5.0), START)

    _, action = decide(run, holding(9, 5.0), START)

    assert action == SafeHold("process time ran back")


def test_one_doubtful_reading_makes_no_progress_and_a_second_holds_safe() -> None:
    doubt = replace(holding(1, 0.5), flags=frozenset({"meter_silent"}), voltage_v=NAN)

    run, first = decide(run_at("balance"), doubt, START)
    _, second = decide(run, replace(doubt, at=doubt.at + timedelta(seconds=1)), START)

    assert isinstance(first, Hold)
    assert isinstance(second, SafeHold)
    assert "meter_silent" in second.reason


# Bank meter, supply and cells, with 10 A through leads of 5 milliohms.
AGREEING: dict[str, Any] = {
    "voltage_v": 3.5,
    "supply_voltage_v": 3.55,
    "cell_voltages_v": (3.5,) * 4,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"voltage_v": 3.4899},
        {"voltage_v": 3.5101},
        {"supply_voltage_v": 3.449},
        {"supply_voltage_v": NAN},
        {"supply_voltage_v": 3.851, "cell_voltages_v": ()},
        {"voltage_v": 3.19, "cell_voltages_v": ()},
    ],
)
def test_a_meter_that_others_contradict_holds_safe_at_the_second_reading(
    changes: dict[str, Any],
) -> None:
    """B5: the independent meter is believed only while the supply and the cells agree."""
    run = run_at("balance")
    first = replace(holding(1, 10.0), **(AGREEING | changes))
    run, action = decide(run, first, first.at)
    assert action == Hold()

    second = replace(first, at=first.at + timedelta(seconds=1), seq=3)
    _, action = decide(run, second, second.at)

    assert isinstance(action, SafeHold)
    assert "disagree" in action.reason


def test_a_drop_that_meter_and_cells_agree_on_is_the_leads() -> None:
    """B6: 0.41 V at 10 A, where 30 mohm may be."""
    run = run_at("balance")
    first = replace(holding(1, 10.0), **(AGREEING | {"supply_voltage_v": 3.91}))
    run, _ = decide(run, first, first.at)
    second = replace(first, at=first.at + timedelta(seconds=1), seq=3)

    _, action = decide(run, second, second.at)

    assert isinstance(action, SafeHold)
    assert "lead 41 mΩ, more than 30 mΩ" in action.reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"voltage_v": 3.4901},
        {"voltage_v": 3.5099},
        {"supply_voltage_v": 3.451},
        {"supply_voltage_v": 3.849},
    ],
)
def test_a_meter_within_what_instruments_and_leads_explain_is_believed(
    changes: dict[str, Any],
) -> None:
    item = replace(holding(1, 10.0), **(AGREEING | changes))

    run, action = decide(run_at("balance"), item, item.at)

    assert (run.doubtful, action) == (0, Hold())


def test_a_meter_above_the_hard_limit_trips_whatever_the_others_say() -> None:
    item = replace(holding(1, 10.0), **(AGREEING | {"voltage_v": 3.71}))

    assert isinstance(decide(run_at("balance"), item, item.at)[1], Trip)


def test_a_device_trip_is_a_trip_and_not_an_end() -> None:
    tripped = replace(reading(1), flags=frozenset({"supply_tripped_ovp"}))

    _, action = decide(run_at("balance"), tripped, START)

    assert isinstance(action, Trip)


def test_an_output_that_is_off_in_a_charge_holds_safe_after_three_readings() -> None:
    run = run_at("balance")
    actions = []
    for second in (1, 2, 3):
        run, action = decide(run, reading(second, voltage_v=3.65), START)
        actions.append(type(action))

    assert actions == [Hold, Hold, SafeHold]


def test_an_output_that_is_on_while_a_person_works_holds_safe() -> None:
    run = run_at("connect")
    for second in (1, 2, 3):
        run, action = decide(run, reading(second, **ON), START)

    assert isinstance(action, SafeHold)


def test_a_confirmed_instruction_goes_on_and_an_unconfirmed_one_waits() -> None:
    run = run_at("connect")

    _, waiting = decide(run, reading(1), START)
    _, going = decide(confirm(run, "connect"), reading(2), START)

    assert isinstance(waiting, Hold)
    assert isinstance(going, Next)


def test_only_an_announceable_step_is_confirmed_ahead_and_only_from_the_step_before() -> None:
    run = run_at("balance")

    assert confirm(run, "finish").announced == {"finish"}
    with pytest.raises(ValueError, match="cannot be confirmed now"):
        confirm(run_at("connect"), "finish")
    with pytest.raises(ValueError, match="cannot be confirmed now"):
        confirm(run, "unlink")
    with pytest.raises(ValueError, match="no step 'nowhere'"):
        confirm(run, "nowhere")


def test_charge_is_integrated_by_trapezoids_with_the_ammeter_zero_taken_out() -> None:
    run = run_at("pre-parallel")
    for second in (1, 2, 3):
        run, _ = decide(run, reading(second, supply_current_a=0.02), START)
    run = replace(run, step_index=2)
    for second in (10, 3610):
        at = holding(second, 10.02, 3.40, regulation="CC")
        run, _ = decide(run, at, at.at)

    # 7 s of ramp from zero, then one hour at 10 A
    assert run.charge_ah == pytest.approx(10.0 + 0.5 * 10.0 * 7 / 3600, rel=1e-6)


@given(
    readings=st.lists(
        st.builds(
            holding,
            seconds=st.integers(min_value=1, max_value=100_000).map(float),
            current_a=st.one_of(st.floats(min_value=-1, max_value=16), st.just(math.nan)),
            voltage_v=st.floats(min_value=3.3, max_value=3.69),
            output_on=st.booleans(),
            regulation=st.sampled_from(["CC", "CV", ""]),
        ),
        max_size=30,
    )
)
def test_a_tail_counts_only_at_target_with_the_output_proven_on(readings: list[Reading]) -> None:
    run = run_at("balance", program(cv_min_s=0.0))
    for item in sorted(readings, key=lambda r: r.at):
        before = run
        run, action = decide(run, item, item.at)
        if isinstance(action, Next):
            assert item.output_on
            assert item.regulation == "CV"
            assert item.voltage_v >= 3.63
            assert item.supply_current_a <= 1.0
            assert before.tail_since is not None
            return
        if not isinstance(action, Hold) and type(action).__name__ in ("Trip", "SafeHold"):
            return


def test_a_doubt_begins_the_partial_tail_anew() -> None:
    """What a stop is worth counts from readings in a row without a doubt."""
    run = replace(run_at("balance"), cv_since=START, partial_since=START)

    run, _ = decide(run, replace(holding(60, 1.5), flags=frozenset({"scanner_silent"})), START)

    assert run.partial_since is None


def test_a_wait_for_a_person_ends_although_the_meter_is_silent() -> None:
    silent = replace(reading(13 * 3600), voltage_v=NAN, flags=frozenset({"meter_silent"}))
    for confirmed in (False, True):
        run = run_at("connect")
        run = confirm(run, "connect") if confirmed else run

        _, action = decide(run, silent, silent.at)

        assert isinstance(action, SafeHold)
        assert ("seen done" in action.reason) is confirmed


def test_a_run_that_outlasts_its_limit_with_the_output_off_blames_no_cell() -> None:
    run = run_at("connect")
    late = reading(run.program.limits.duration_max_s + 1)

    _, action = decide(run, late, late.at)

    assert isinstance(action, SafeHold)
