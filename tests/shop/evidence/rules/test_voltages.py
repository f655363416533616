"""B7 and B8 cell by cell; the table of the disconnect check is in the gate's tests."""

from __future__ import annotations

from datetime import timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.evidence.policy import GatePolicy
from shop.evidence.rules.voltages import judge_disconnect, judge_pre_parallel, judge_recheck
from shop.jobs.policies import Policy
from stations.values import Window
from tests.shop.evidence.builders import STOPPED, recheck

POLICY = GatePolicy.of(Policy())
VOLTS: dict[str, float | None] = {"a": 3.402, "b": 3.400, "c": 3.398, "d": 3.400}


def judged(hours: float, odd_v: float | None) -> str:
    """The verdict of one cell beside three that rest at 3.40 V."""
    volts = {"a": 3.400, "b": 3.400, "c": 3.400, "odd": odd_v}
    reading = recheck(volts, "odd", at=STOPPED + timedelta(hours=hours))
    return judge_recheck(reading, set(volts), POLICY.recheck).verdict


@pytest.mark.parametrize(
    ("hours", "odd_v", "verdict"),
    [
        (1.0, 3.400, "PASS"),
        (4.0, 3.360, "PASS"),
        (4.0, 3.359, "MARGINAL"),
        (4.0, 3.3399, "FAIL"),  # the floor comes before median − 80 mV
        (24.0, 3.341, "PASS"),
        (5.0, 3.500, "PASS"),
        (5.0, None, "MISSING"),
    ],
)
def test_judges_a_recheck_against_the_median_and_the_floor(
    hours: float, odd_v: float | None, verdict: str
) -> None:
    assert judged(hours, odd_v) == verdict


@pytest.mark.parametrize(
    ("hours", "odd_v", "verdict"),
    [
        (4.0, 3.480, "MARGINAL"),
        (4.0, 3.479, "FAIL"),
        (14.0, 3.470, "MARGINAL"),
        (14.0, 3.469, "FAIL"),
        (24.0, 3.460, "MARGINAL"),
        (48.0, 3.459, "FAIL"),
    ],
)
def test_the_limit_grows_from_4_to_24_hours(hours: float, odd_v: float, verdict: str) -> None:
    volts: dict[str, float | None] = {"a": 3.56, "b": 3.56, "c": 3.56, "odd": odd_v}
    reading = recheck(volts, "odd", at=STOPPED + timedelta(hours=hours))

    assert judge_recheck(reading, set(volts), POLICY.recheck).verdict == verdict


def test_a_recheck_that_took_too_long_is_invalid() -> None:
    at = STOPPED + timedelta(hours=5)
    reading = recheck(VOLTS, "a", at=at)
    late = reading.group[0].__class__("b", 3.4, at + timedelta(minutes=31))
    slow = recheck(VOLTS, "a", at=at, group=(reading.group[0], late, *reading.group[2:]))

    assert judge_recheck(slow, set(VOLTS), POLICY.recheck).verdict == "INVALID"


@pytest.mark.parametrize("group", [{"a", "b", "c", "d", "e"}, set()])
def test_a_recheck_without_its_whole_bank_is_missing(group: set[str]) -> None:
    reading = recheck(VOLTS, "a", at=STOPPED + timedelta(hours=5))

    assert judge_recheck(reading, group, POLICY.recheck).verdict == "MISSING"


def test_a_recheck_from_before_current_stopped_is_missing() -> None:
    reading = recheck(VOLTS, "a", at=STOPPED - timedelta(seconds=1))

    assert judge_recheck(reading, set(VOLTS), POLICY.recheck).verdict == "MISSING"


@pytest.mark.parametrize(
    ("voltage_v", "verdict"),
    [(3.3, "PASS"), (2.0, "PASS"), (1.99, "FAIL"), (-3.3, "FAIL"), (nan, "MISSING")],
)
def test_judges_a_rested_cell_before_it_is_joined(voltage_v: float, verdict: str) -> None:
    assert judge_pre_parallel(voltage_v, Window(2.0, 3.65)) == verdict


@given(st.sampled_from([None, nan, inf, -inf]), st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_no_number_is_missing_at_any_age(voltage_v: float | None, age: timedelta) -> None:
    assert judge_disconnect(voltage_v, age, 3.65, POLICY.disconnect).verdict == "MISSING"


@given(st.floats(3.0, 4.0), st.none() | st.timedeltas(max_value=timedelta(microseconds=-1)))
def test_no_age_is_missing_at_any_voltage(voltage_v: float, age: timedelta | None) -> None:
    assert judge_disconnect(voltage_v, age, 3.65, POLICY.disconnect).verdict == "MISSING"
