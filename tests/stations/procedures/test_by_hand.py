"""Cells that a person reads with a hand-held meter: taken, asked again, refused (B7, B8, G6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stations.plain import from_plain, to_plain
from stations.procedures import by_hand, check
from stations.procedures.actions import Finish, Hold, Refuse
from stations.procedures.decide import decide
from stations.procedures.state import Record, Run
from stations.procedures.steps import ByHand, Measure, Program
from stations.values import OffProof
from tests.stations.procedures.scripted import (
    RATINGS,
    START,
    program,
    reading,
    run_at,
)
from tests.stations.procedures.test_emptying_plans import bottom

BY_HAND = replace(RATINGS, scanner=None, by_hand=True)


def typed_program(**changes: Any) -> Program:
    return by_hand.typed_steps(program(**changes))


def measure(name: str = "disconnect") -> Measure:
    step = next(step for step in typed_program().steps if step.name == name)
    assert isinstance(step, Measure)
    return step


def act(seconds: float, cell: int, voltage_v: float, **more: Any) -> dict[str, Any]:
    """What a person typed, `seconds` after START."""
    at = START + timedelta(seconds=seconds)
    said = {"step": "disconnect", "cell": cell, "voltage_v": voltage_v, "meter": "HAND-1"}
    return said | {"taken_at": at.isoformat()} | more


def heard(run: Run, seconds: float, data: dict[str, Any]) -> Run:
    """The act as the bench hears of it, so long after START."""
    at = START + timedelta(seconds=seconds)
    return by_hand.read(run, data, at=at, received_at=at)


def read_in_turn(run: Run, volts: list[float], *, each_s: float = 20.0) -> Run:
    for turn, volt in enumerate(volts):
        cell = turn % 4 + 1
        run = heard(run, each_s * (turn + 1), act(each_s * (turn + 1), cell, volt))
    return run


def unscanned(seconds: float) -> Any:
    return reading(seconds, cell_voltages_v=())


def checked(run: Run, seconds: float) -> Record:
    run, action = decide(run, unscanned(seconds), START + timedelta(seconds=seconds))
    assert action == Finish()
    return run.records[-1]


def at_disconnect() -> Run:
    return run_at("disconnect", typed_program())


def test_each_cell_has_its_own_age_and_window_and_the_first_one_is_read_again() -> None:
    """B7, G6: fresh until 5 min, then the wider limit; raw figures and the second one are kept."""
    run = read_in_turn(at_disconnect(), [3.640, 3.641, 3.639, 3.612, 3.638], each_s=80.0)

    record = checked(run, 401.0)

    assert [cell.age_s for cell in record.cells] == [80.0, 160.0, 240.0, 320.0]
    assert [cell.verdict for cell in record.cells] == ["pass"] * 4
    assert [cell.window.low for cell in record.cells] == [3.62, 3.62, 3.62, 3.60]
    assert (record.meter, record.again) == ("HAND-1", run.typed[-1])
    assert record.again is not None
    assert (record.again.position, record.again.voltage_v) == (1, 3.638)


def test_nothing_is_judged_before_the_first_cell_was_read_again() -> None:
    run = read_in_turn(at_disconnect(), [3.640, 3.641, 3.639, 3.640])

    assert decide(run, unscanned(100.0), START + timedelta(seconds=100))[1] == Hold()
    assert by_hand.left(measure(), 4, [1, 2, 3, 4]) == (1,)
    assert by_hand.left(measure(), 4, [1, 2, 3, 4, 1]) == ()


def test_the_order_of_the_posts_is_the_persons_own() -> None:
    run = at_disconnect()
    for turn, cell in enumerate((3, 1, 4, 2, 3)):
        run = heard(run, 20.0 * turn, act(20.0 * turn, cell, 3.64))

    assert [cell.position for cell in checked(run, 101.0).cells] == [1, 2, 3, 4]


def test_what_was_read_in_time_counts_and_the_rest_is_missing() -> None:
    run = read_in_turn(at_disconnect(), [3.640, 3.641])

    record = checked(run, 901.0)

    assert [cell.verdict for cell in record.cells] == ["pass", "pass", "missing", "missing"]
    assert record.remarks == ("the check came too late",)
    assert (record.meter, record.again) == ("HAND-1", None)


def test_a_reading_is_as_old_as_its_way_to_the_bench_was_long() -> None:
    """An age is of the moment at the post, however long the network was away."""
    run = heard(at_disconnect(), 400.0, act(250.0, 1, 3.61))

    assert run.typed[0].at == START + timedelta(seconds=250)
    assert run.typed[0].received_at == START + timedelta(seconds=250)


def test_clocks_that_are_apart_make_no_reading_older_than_its_step_or_of_later_than_now() -> None:
    early, late = act(-90.0, 1, 3.64), act(90.0, 2, 3.64)

    run = heard(heard(at_disconnect(), 10.0, early), 20.0, late)

    assert [one.at for one in run.typed] == [START, START + timedelta(seconds=20)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (act(50.0, 1, 3.64), "cell 1 is not waited for"),
        (act(50.0, 9, 3.64), "cell 9 is not waited for"),
        (act(50.0, 2, 3642.0), "no voltage of a cell"),
        (act(50.0, 2, float("nan")), "without a figure"),
        (act(50.0, 2, 3.64, meter="HAND-2"), "another meter"),
        (act(50.0, 2, 3.64, step="recheck"), "no cell is read by hand"),
        (act(50.0, 3, 3.64, corrects=True), "not read yet"),
        ({"step": "disconnect", "cell": "two"}, "cannot be read"),
    ],
)
def test_the_bench_takes_nothing_that_its_step_does_not_wait_for(
    data: dict[str, Any], words: str
) -> None:
    run = read_in_turn(at_disconnect(), [3.640])

    with pytest.raises(ValueError, match=words):
        heard(run, 50.0, data)


def test_a_figure_may_be_corrected_and_the_first_one_stays_on_record() -> None:
    run = read_in_turn(at_disconnect(), [3.462, 3.641, 3.639, 3.640])
    run = heard(run, 100.0, act(100.0, 1, 3.640, corrects=True))
    assert by_hand.left(measure(), 4, [one.position for one in run.typed]) == (2,)

    record = checked(heard(run, 120.0, act(120.0, 2, 3.640)), 121.0)

    assert (record.cells[0].voltage_v, record.cells[0].age_s) == (3.640, 100.0)
    assert record.remarks == ("cell 1 was first typed as 3.462 V, and then as 3.640 V",)


@pytest.mark.parametrize(
    ("voltage_v", "words"),
    [
        (3642.0, "3642 looks like millivolts. Type volts: 3.642."),
        (36.42, "outside 2.0 … 3.8 V"),
        (1.99, "outside"),
        (-3.29, "red probe on plus"),
        (float("nan"), "outside"),
    ],
)
def test_a_slip_is_named(voltage_v: float, words: str) -> None:
    (found,) = by_hand.slips(ByHand(by_hand.PLAUSIBLE, 0.02, again=True), voltage_v)

    assert words in found


@pytest.mark.parametrize("voltage_v", [2.0, 3.33, 3.8])
def test_what_a_cell_can_show_is_no_slip(voltage_v: float) -> None:
    how = measure().by_hand
    assert how is not None

    assert by_hand.slips(how, voltage_v) == []


@pytest.mark.parametrize(
    ("voltage_v", "others", "first_v", "words"),
    [
        (3.462, [3.64, 3.641], None, "179 mV below the others"),
        (3.462, [3.64, 3.641], 3.460, ""),  # measured twice
        (3.462, [3.64, 3.641], 3.640, "179 mV below the others"),
        (3.656, [], None, "above 3.655 V"),
        (3.656, [], 3.657, ""),
        (3.640, [3.64], None, ""),
        (3.462, [], None, ""),  # nobody to compare with
    ],
)
def test_what_jumps_is_asked_again_once(
    voltage_v: float, others: list[float], first_v: float | None, words: str
) -> None:
    asked = by_hand.asks_again(measure(), voltage_v, others=others, first_v=first_v)

    assert words in asked
    assert bool(words) == bool(asked)


def test_cells_that_must_not_be_joined_are_refused_by_hand_too() -> None:
    """B3 does not care who read the meter."""
    run = run_at("pre-parallel", typed_program())
    for cell, volt in enumerate((3.30, 3.30, 3.30, 2.95), start=1):
        data = act(10.0 * cell, cell, volt, step="pre-parallel")
        run = heard(run, 10.0 * cell, data)

    _, action = decide(run, unscanned(50.0), START + timedelta(seconds=50))

    assert isinstance(action, Refuse)
    assert "never join" in action.problems[0]


def test_a_typed_program_and_its_state_are_stored_and_read_again() -> None:
    run = read_in_turn(at_disconnect(), [3.640, 3.641])

    assert from_plain(Run, to_plain(run)) == run
    assert from_plain(Program, to_plain(program())) == program()
    assert "by_hand" not in str(to_plain(program()))


def test_a_program_by_hand_needs_a_meter_and_never_empties_a_cell() -> None:
    """B9: not with a manual meter."""
    assert check.problems(typed_program(), BY_HAND) == []
    (words,) = {problem.split(": ")[1] for problem in check.problems(typed_program(), RATINGS)}
    assert words == "this bench has no hand-held meter; register it with the station."
    emptied = bottom()
    looked = replace(emptied, steps=(measure("pre-parallel"), *emptied.steps))
    assert any("never read by hand" in words for words in check.problems(looked, BY_HAND))


def test_current_stopped_is_what_ages_count_from() -> None:
    stopped = START - timedelta(seconds=200)
    run = replace(at_disconnect(), current_stopped=OffProof(stopped, stopped, 0.0))

    record = checked(read_in_turn(run, [3.64] * 5), 101.0)

    assert record.cells[0].age_s == 220.0
