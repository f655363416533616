"""Cells that are measured: before they are joined, and after the links came off (B3, B7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stations.procedures.actions import Finish, Hold, Next, Refuse
from stations.procedures.decide import decide
from stations.values import NAN
from tests.stations.procedures.scripted import START, reading, run_at


def settle(run_step: str, volts: tuple[float, ...], first_s: float = 1) -> tuple[object, object]:
    run = run_at(run_step)
    action: object = Hold()
    for second in range(3):
        item = reading(first_s + second, cell_voltages_v=volts)
        run, action = decide(run, item, item.at)
        if not isinstance(action, Hold):
            break
    return run, action


@pytest.mark.parametrize(
    ("volts", "words"),
    [
        ((3.33, 3.33, -3.33, 3.33), "reversed"),
        ((3.33, 3.33, 2.10, 3.33), "outside"),
        ((3.34, 3.34, 3.34, 3.18), "above 150 mV: joined now"),
        ((3.35, 3.35, 3.35, 3.04), "never join them directly"),
    ],
)
def test_refuses_to_join_cells_that_must_not_be_joined(
    volts: tuple[float, ...], words: str
) -> None:
    _, action = settle("pre-parallel", volts)

    assert isinstance(action, Refuse)
    assert words in action.problems[0]


def test_joins_like_cells_and_says_that_their_charge_is_not_observable() -> None:
    run, action = settle("pre-parallel", (3.335, 3.336, 3.337, 3.335))

    assert isinstance(action, Next)
    record = run.records[-1]  # type: ignore[attr-defined]
    assert any("not observable" in words for words in record.remarks)


def test_unsettled_or_missing_channels_are_not_a_measurement() -> None:
    run = run_at("pre-parallel")
    for second, volt in enumerate((3.30, 3.31, 3.32, NAN, 3.33, 3.34)):
        item = reading(second, cell_voltages_v=(volt, 3.3, 3.3, 3.3))
        run, action = decide(run, item, item.at)

        assert isinstance(action, Hold)


def verdicts(volts: tuple[float, ...], seconds: float) -> list[str]:
    run, action = settle("disconnect", volts, first_s=seconds)
    assert isinstance(action, Finish)
    return [cell.verdict for cell in run.records[-1].cells]  # type: ignore[attr-defined]


def test_disconnect_check_passes_and_marks_by_its_window() -> None:
    assert verdicts((3.646, 3.62, 3.619, 3.59), 60) == ["pass", "pass", "marginal", "fail"]


def test_from_five_to_fifteen_minutes_the_pass_limit_is_the_marginal_one() -> None:
    assert verdicts((3.646, 3.601, 3.60, 3.59), 301) == ["pass", "pass", "pass", "fail"]


def test_a_check_sixteen_minutes_late_is_missing_and_not_failed() -> None:
    assert verdicts((3.646, 3.62, 3.619, 3.59), 16 * 60) == ["missing"] * 4


def test_a_reading_above_the_window_is_measured_again_before_it_is_invalid() -> None:
    run = run_at("disconnect")
    actions = []
    for second in range(1, 7):
        item = reading(second, cell_voltages_v=(3.66, 3.64, 3.64, 3.64))
        run, action = decide(run, item, item.at)
        actions.append(type(action))

    assert actions == [Hold] * 5 + [Finish]
    assert run.records[-1].cells[0].verdict == "invalid"


def test_cells_that_are_never_seen_are_missing_when_the_check_is_too_late() -> None:
    """B7: a scanner that stays silent gives no verdict, and does not hold the run for ever."""
    doubt = {"cell_voltages_v": (NAN,) * 4, "flags": frozenset({"scanner_silent"})}
    run, action = decide(run_at("disconnect"), reading(14 * 60, **doubt), START)
    assert isinstance(action, Hold)

    run, action = decide(run, reading(15 * 60 + 1, **doubt), START)

    assert isinstance(action, Finish)
    assert {cell.verdict for cell in run.records[-1].cells} == {"missing"}


@pytest.mark.parametrize("step", ["pre-parallel", "disconnect"])
def test_cells_are_not_judged_by_readings_of_before_the_step(step: str) -> None:
    """B7: links were still on when a scan began that ends after "links off" was confirmed."""
    run = replace(run_at(step), step_entered_at=START + timedelta(seconds=10))
    before = [reading(s) for s in (7, 8, 9, 10)]
    begun_before = reading(10.5, age_s=0.6)
    for early in (*before, begun_before):
        run, action = decide(run, early, early.at)
        assert (action, run.settled) == (Hold(), ())

    for seconds in (11, 12, 13):
        assert not run.records
        run, action = decide(run, reading(seconds, age_s=0.6), START)

    assert run.records[-1].cells[0].at == START + timedelta(seconds=13)
