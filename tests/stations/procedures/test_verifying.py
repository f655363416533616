"""The joined bank is seen to be these cells before any current flows (B3, B4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stations.procedures.actions import Hold, Next, SafeHold
from stations.procedures.decide import decide
from stations.procedures.state import Run
from stations.values import NAN, Reading, Window
from tests.stations.procedures.scripted import START, reading, run_at


def joined(**changes: object) -> Run:
    return replace(run_at("joined"), rested=Window(3.33, 3.35), **changes)  # type: ignore[arg-type]


def played(run: Run, *readings: Reading) -> tuple[Run, object]:
    action: object = None
    for item in readings:
        run, action = decide(run, item, item.at)
    return run, action


def test_three_readings_within_pass() -> None:
    run, action = played(joined(), *(reading(s) for s in (1, 2, 3)))

    assert action == Next()
    assert run.records[-1].kind == "verify"


@pytest.mark.parametrize(
    "odd",
    [
        {"voltage_v": -3.34},
        {"voltage_v": 3.371},
        {"voltage_v": 3.309},
        {"cell_voltages_v": (3.34, 3.34, 3.371, 3.34)},
        {"cell_voltages_v": (3.34, 3.34, NAN, 3.34)},
        {"flags": frozenset({"meter_silent"}), "voltage_v": NAN},
    ],
)
def test_one_odd_reading_begins_the_count_again(odd: dict[str, object]) -> None:
    items = [reading(1), reading(2), reading(3, **odd), reading(4), reading(5)]

    run, action = played(joined(), *items)
    assert action == Hold()

    assert played(run, reading(6))[1] == Next()


def test_what_stays_odd_is_named_and_nothing_is_energised() -> None:
    step_s = 15 * 60.0
    polarity = reading(step_s + 1, voltage_v=-3.34)
    link = reading(step_s + 1, cell_voltages_v=(3.34, 3.34, 3.42, 3.34))

    _, reversed_bank = decide(joined(), polarity, polarity.at)
    _, loose = decide(joined(), link, link.at)

    assert isinstance(reversed_bank, SafeHold)
    assert "check polarity" in reversed_bank.reason
    assert isinstance(loose, SafeHold)
    assert "cell 3 is +80 mV from the bank" in loose.reason
    assert not loose.resumable


def test_after_a_charge_the_bank_may_stand_as_high_as_it_was_charged() -> None:
    full = [reading(s, voltage_v=3.6, cell_voltages_v=(3.6,) * 4) for s in (1, 2, 3)]

    assert played(joined(), *full)[1] == Hold()
    assert played(joined(last_on_v=3.648), *full)[1] == Next()


def test_a_bank_that_was_interrupted_rests_first() -> None:
    run = joined(rest_until=START + timedelta(seconds=60))

    assert played(run, *(reading(s) for s in (57, 58, 59)))[1] == Hold()
    assert played(run, *(reading(s) for s in (60, 61, 62)))[1] == Next()
