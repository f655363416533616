"""The plan of a DC resistance, its dry run, and the figures of a current step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.plain import from_plain, to_plain
from stations.procedures import resistance
from stations.procedures.actions import Action, Hold, Next, SafeHold, Trip
from stations.procedures.check import problems
from stations.procedures.decide import decide
from stations.procedures.pulsing import resistance_at, verdict
from stations.procedures.resume import problems as resume_problems
from stations.procedures.rules import ResistanceRule
from stations.procedures.state import Run, Sample
from stations.procedures.steps import Discharge, PlanRefused, Program
from stations.values import LoadRatings, MeterRatings, Ratings, Reading
from tests.stations.procedures.scripted import LOAD, METER, SCANNER, SUPPLY, reading, run_at

WITH_LOAD = Ratings(SUPPLY, METER, SCANNER, LOAD)
RULE = ResistanceRule(0.0002, 0.5, 2.5, 4.0)


def made(
    *,
    capacity_ah: float = 200.0,
    typical_ohm: float = 0.0002,
    load: LoadRatings = LOAD,
    meter: MeterRatings = METER,
    **recipe: Any,
) -> Program:
    return resistance.program(
        resistance.Spec(
            resistance.Recipe(**recipe), capacity_ah, typical_ohm, 3.65, 2.50, load, meter
        )
    )


def stepping() -> Run:
    return replace(run_at("pulse", made()), off_v=(3.3001, 3.3000, 3.2999))


def drawing(
    seconds: float, voltage_v: float = 3.27, drawn_a: float = 100.0, **more: Any
) -> Reading:
    fields: dict[str, Any] = {
        "output_on": True,
        "voltage_v": voltage_v,
        "supply_voltage_v": voltage_v - 0.003 * drawn_a,
        "supply_current_a": -drawn_a,
        "cell_voltages_v": (voltage_v,),
        "regulation": "CC",
    }
    return reading(seconds, **(fields | more))


def play(run: Run, *items: Reading) -> tuple[Run, Action]:
    action: Action = Hold()
    for item in items:
        run, action = decide(run, item, item.at)
        if not isinstance(action, Hold):
            break
    return run, action


def test_a_plan_passes_its_dry_run_and_survives_json() -> None:
    assert problems(made(), WITH_LOAD) == []
    assert from_plain(Program, to_plain(made())) == made()


def test_it_draws_half_c_for_ten_seconds_after_an_hour_of_rest() -> None:
    program = made()
    (step,) = [step for step in program.steps if isinstance(step, Discharge)]

    assert step.pulse is not None
    assert (step.draw.current_a, step.pulse.lasts) == (100.0, timedelta(seconds=10))
    assert dict(program.facts)["rest_s"] == 3600.0
    assert step.draw.cutoff.duration_s <= 130  # the load's own timer, where all else is dead


def test_a_discharge_of_an_earlier_version_is_still_read() -> None:
    plain = to_plain(made())
    (step,) = [step for step in plain["steps"] if step["type"] == "Discharge"]
    del step["pulse"]

    (read,) = [s for s in from_plain(Program, plain).steps if isinstance(s, Discharge)]
    assert (read.pulse, read.name) == (None, "pulse")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"meter": replace(METER, resolution_v=1e-3)}, "finer meter"),
        ({"early_s": 10.0}, "not within the step"),
        ({"cutoff_v": 2.4}, "own limit of 2.50 V"),
    ],
)
def test_what_cannot_be_measured_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanRefused, match=words):
        made(**changes)


def test_a_load_that_cannot_draw_it_is_refused_by_the_dry_run() -> None:
    small = replace(LOAD, model="IT8511", current_max_a=30.0, power_max_w=150.0)

    found = problems(made(load=small), replace(WITH_LOAD, load=small))

    assert any("100.00 A is not within what IT8511 can hold" in words for words in found)
    assert any("no load" in words for words in problems(made(), replace(WITH_LOAD, load=None)))


def test_the_fall_over_the_current_is_the_resistance() -> None:
    steps = [drawing(float(s), 3.27 - 0.0001 * s) for s in range(1, 12)]

    run, action = play(stepping(), *steps)

    facts = dict(run.records[-1].facts)
    assert isinstance(action, Next)
    assert (run.records[-1].kind, run.records[-1].remarks) == ("pulse", ("done", "pass"))
    assert facts["r_mohm"] == pytest.approx(0.310)
    assert facts["early_mohm"] == pytest.approx(0.302)
    # half of what two samples differ, the spread before the step, and one count of the meter
    assert facts["r_u_mohm"] == pytest.approx(0.0005 + 0.002 + 0.0001)
    assert facts["sample_s"] == pytest.approx(1.0)


def test_what_was_begun_before_the_load_was_on_is_no_sample() -> None:
    run, _ = play(stepping(), drawing(0.04, age_s=0.05), drawing(1.0))

    assert [sample.after_s for sample in run.sampled] == [1.0]


def test_a_load_that_draws_less_gives_no_sample() -> None:
    run, _ = play(stepping(), drawing(1.0, drawn_a=90.0))

    assert run.sampled == ()


def test_volts_that_do_not_fall_are_no_resistance() -> None:
    _, action = play(stepping(), *(drawing(float(s), 3.3001) for s in range(1, 12)))

    assert isinstance(action, SafeHold)


def test_a_cell_that_falls_to_the_cut_off_trips() -> None:
    _, action = play(stepping(), drawing(1.0, 2.79))

    assert isinstance(action, Trip)


def test_a_hole_in_the_readings_makes_it_worth_nothing() -> None:
    _, action = play(stepping(), drawing(1.0), drawing(7.0))

    assert isinstance(action, SafeHold)


def test_it_is_never_resumed_in_the_step() -> None:
    found = resume_problems(stepping(), attempt=1, gap=timedelta(seconds=5))

    assert any("a resistance is measured in one go" in words for words in found)


@pytest.mark.parametrize(
    ("mohm", "judged"),
    [
        (0.099, "invalid"),
        (0.10, "pass"),
        (0.32, "pass"),
        (0.50, "pass"),
        (0.51, "marginal"),
        (0.80, "marginal"),
        (0.81, "fail"),
        (float("nan"), "invalid"),
    ],
)
def test_it_is_held_against_what_is_typical_of_the_type(mohm: float, judged: str) -> None:
    assert verdict(RULE, mohm) == judged


@given(
    st.lists(st.floats(0.1, 20.0), min_size=2, max_size=12, unique=True),
    st.floats(1e-5, 5e-3),
    st.floats(0.5, 20.0),
)
def test_a_pure_resistor_is_told_exactly_wherever_the_samples_fall(
    times: list[float], ohm: float, at_s: float
) -> None:
    samples = [Sample(t, 3.3 - 100.0 * ohm, 100.0) for t in sorted(times)]

    told = resistance_at((3.3,), samples, timedelta(seconds=at_s), 1e-5)

    inside = min(times) <= timedelta(seconds=at_s).total_seconds() <= max(times)
    assert (told.mohm > 0) == inside
    if inside:
        assert told.mohm == pytest.approx(1000 * ohm)
        assert told.u_mohm >= 1e-4 - 1e-12
