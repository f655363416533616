"""What must hold of a bench before its output may go on (F1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shop.jobs.preflight import Registered, preflight_problems
from tests.factories import NOON

METER = Registered("meter", "34461A", "MY1", "K-1", NOON + timedelta(days=1))
SAID = {"role": "meter", "model": "34461A", "serial_number": "MY1", "firmware": "A.03"}
RIGHT: dict[str, Any] = {
    "registered": [METER],
    "found": [SAID],
    "planned_end": NOON,
    "simulated_expected": True,
    "simulated": True,
}


def test_the_registered_and_calibrated_bench_has_no_problem() -> None:
    assert preflight_problems(**RIGHT) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"found": [SAID | {"serial_number": "MY2"}]}, "wrong_instrument"),
        ({"found": [SAID | {"model": "34465A"}]}, "wrong_instrument"),
        ({"found": []}, "instrument_missing"),
        ({"found": [SAID, SAID | {"role": "scanner"}]}, "unregistered"),
        ({"registered": [replace(METER, valid_until=None)]}, "calibration_ends"),
        ({"planned_end": NOON + timedelta(days=1, seconds=1)}, "calibration_ends"),
        ({"simulated": False}, "simulated"),
    ],
)
def test_each_departure_is_named_with_its_fix(wrong: dict[str, Any], code: str) -> None:
    problems = preflight_problems(**RIGHT | wrong)

    assert [problem.code for problem in problems] == [code]
    assert problems[0].fix


def test_a_registered_relay_board_must_be_there_but_has_no_calibration() -> None:
    relay = Registered("relay", "Relay8", "unit-7")
    said = {"role": "relay", "model": "Relay8", "serial_number": "unit-7", "firmware": "2.00"}
    bench = RIGHT | {"registered": [METER, relay]}

    assert preflight_problems(**bench | {"found": [SAID, said]}) == []
    missing = preflight_problems(**bench)
    assert [problem.code for problem in missing] == ["instrument_missing"]
