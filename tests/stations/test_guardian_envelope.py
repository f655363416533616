"""The guardian's own judgement of a sample, as tables and properties (F4)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.guardian.envelope import Repeats, Tally, Verdict, judge
from stations.values import NAN, Limits, Reading

START = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
LIMITS = Limits(
    bank_voltage_max_v=3.70,
    bank_voltage_min_v=2.50,
    cell_voltage_max_v=3.71,
    cell_voltage_min_v=2.45,
    current_max_a=15.2,
    setpoint_voltage_max_v=3.67,
    duration_max_s=3600.0,
    charge_max_ah=100.0,
)
FINE = Reading(
    seq=1,
    at=START + timedelta(seconds=1),
    received_at=START,
    age_s=0.1,
    output_on=True,
    voltage_v=3.40,
    supply_voltage_v=3.45,
    supply_current_a=14.4,
    cell_voltages_v=(3.40, 3.41),
    regulation="CC",
)
TALLY = Tally(opened_at=START, last_at=START)


def verdict(on: bool = True, tally: Tally = TALLY, **changes: Any) -> Verdict | None:
    return judge(LIMITS, tally, replace(FINE, **changes), expected_on=on)[1]


def test_lets_a_reading_within_every_limit_pass() -> None:
    assert verdict() is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"voltage_v": 3.701}, "bank at 3.701 V"),
        ({"voltage_v": 2.49}, "bank at 2.490 V"),
        ({"voltage_v": NAN}, "bank at nan V"),
        ({"voltage_v": math.inf}, "bank at inf V"),
        ({"supply_current_a": 15.3}, "current 15.30 A"),
        ({"supply_current_a": NAN}, "current nan A"),
        ({"cell_voltages_v": (3.4, 3.72)}, "cell 2 at 3.720 V"),
        ({"cell_voltages_v": (2.40, 3.4)}, "cell 1 at 2.400 V"),
        ({"cell_voltages_v": (NAN, 3.4)}, "cell 1 at nan V"),
        ({"temperatures_c": (25.0, 45.1)}, "probe 2 at 45.1 °C, outside 0 … 45 °C"),
        ({"temperatures_c": (-0.1, 25.0)}, "probe 1 at -0.1 °C"),
        ({"temperatures_c": (25.0, NAN)}, "probe 2 at nan °C"),
        ({"at": START + timedelta(seconds=3601)}, "session took longer"),
        ({"flags": frozenset({"supply_tripped_ovp"}), "output_on": False}, "by OVP"),
    ],
)
def test_trips_on_a_value_over_a_limit(changes: dict[str, Any], words: str) -> None:
    found = verdict(**changes)

    assert found is not None
    assert found.kind == "trip"
    assert words in found.reason


def test_trips_when_too_much_charge_went_in() -> None:
    tally = replace(TALLY, charge_ah=99.999, last_current_a=14.4)

    found = verdict(tally=tally, at=START + timedelta(seconds=10))

    assert found == Verdict("trip", "100.0 Ah delivered, above 100.0 Ah")


def test_a_limit_counts_although_another_channel_is_in_doubt() -> None:
    found = verdict(voltage_v=3.75, cell_voltages_v=(NAN, NAN), flags=frozenset({"scanner_silent"}))

    assert found is not None
    assert found.kind == "trip"


@pytest.mark.parametrize(
    "changes",
    [
        {"voltage_v": NAN, "flags": frozenset({"meter_silent"})},
        {"voltage_v": NAN, "flags": frozenset({"meter_invalid"})},
        {"cell_voltages_v": (NAN, NAN), "flags": frozenset({"scanner_silent"})},
        {"supply_current_a": NAN, "flags": frozenset({"supply_silent"})},
        {"flags": frozenset({"meter_stuck"})},
        {"flags": frozenset({"supply_setpoint"})},
    ],
)
def test_two_doubtful_samples_in_a_row_are_a_safe_hold(changes: dict[str, Any]) -> None:
    doubtful = replace(FINE, **changes)

    tally, first = judge(LIMITS, TALLY, doubtful, expected_on=True)
    _, second = judge(LIMITS, tally, doubtful, expected_on=True)
    healed, _ = judge(LIMITS, tally, FINE, expected_on=True)
    _, after = judge(LIMITS, healed, doubtful, expected_on=True)

    assert first is None
    assert second is not None
    assert second.kind == "safe_hold"
    assert after is None


def test_an_output_in_another_state_than_asked_is_a_safe_hold() -> None:
    gone = verdict(output_on=False)
    come = verdict(on=False)

    assert gone is not None
    assert come is not None
    assert (gone.kind, come.kind) == ("safe_hold", "safe_hold")


def test_with_the_output_off_nothing_is_judged_but_the_output() -> None:
    assert verdict(on=False, output_on=False, voltage_v=NAN, supply_current_a=NAN) is None


@given(
    voltage_v=st.floats() | st.none(),
    current_a=st.floats(),
    cell_v=st.floats(),
)
def test_no_unflagged_value_outside_the_envelope_passes(
    voltage_v: float | None, current_a: float, cell_v: float
) -> None:
    volts = NAN if voltage_v is None else voltage_v
    found = verdict(voltage_v=volts, supply_current_a=current_a, cell_voltages_v=(cell_v,))

    inside = 2.50 <= volts <= 3.70 and current_a <= 15.2 and 2.45 <= cell_v <= 3.71
    assert inside or found is not None


def repeated(raw: str, count: int, every_s: float, current_a: float) -> bool:
    repeats, at = Repeats(), START
    for number in range(count):
        at = START + timedelta(seconds=every_s * number)
        repeats = repeats.after(raw, at, current_a)
    return repeats.stuck(at)


@pytest.mark.parametrize(
    ("count", "every_s", "current_a", "stuck"),
    [
        (10, 4.0, 14.4, True),
        (31, 1.0, 14.4, True),
        (30, 1.0, 14.4, False),  # 29 s
        (9, 12.0, 14.4, False),  # nine replies
        (100, 4.0, 0.1, False),  # no current: a resting cell may well read the same
    ],
)
def test_an_identical_raw_reply_is_stuck_only_with_current_often_and_long(
    count: int, every_s: float, current_a: float, stuck: bool
) -> None:
    assert repeated("+3.40000000E+00", count, every_s, current_a) is stuck


def test_one_other_reply_begins_the_count_anew() -> None:
    repeats = Repeats()
    for number in range(12):
        raw = "+3.4E+00" if number != 8 else "+3.5E+00"
        repeats = repeats.after(raw, START + timedelta(seconds=10 * number), 14.4)

    assert not repeats.stuck(START + timedelta(seconds=110))
