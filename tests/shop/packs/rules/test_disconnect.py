"""G4: the disconnect check, judged again from its volts and its age (B7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.packs.findings import Verdict
from tests.shop.evidence.builders import (
    disconnect,
)
from tests.shop.packs.gate import ask, blocking, only, says_all, spoil


def test_refuses_a_cell_at_3_59_volts() -> None:
    (finding,) = blocking(ask(spoil(disconnect=disconnect(3.59))), "G4")

    assert finding.verdict is Verdict.FAIL
    assert finding.value == "3.590 V, 2 min after current stopped"
    assert finding.limit == "3.620 … 3.655 V"
    assert finding.fix is not None
    assert finding.fix.code == "quarantine"
    assert says_all(finding)


@pytest.mark.parametrize(
    ("voltage_v", "minutes", "fix"),
    [
        (3.62, 5, ""),
        (3.655, 5, ""),
        (3.6199, 5, "recharge_cell"),
        (3.60, 5, "recharge_cell"),
        (3.5999, 5, "quarantine"),
        (3.6551, 1, "measure_again"),
        (3.60, 5.1, ""),
        (3.60, 15, ""),
        (3.5999, 15, "quarantine"),
        (3.6551, 15, "measure_again"),
        (3.64, 15.02, "refresh"),
        (3.59, 16, "refresh"),
        (None, 1, "refresh"),
        (3.64, -0.1, "refresh"),
    ],
)
def test_judges_the_disconnect_check_again(
    voltage_v: float | None, minutes: float, fix: str
) -> None:
    checked = disconnect(voltage_v, timedelta(minutes=minutes))

    refused = blocking(ask(spoil(disconnect=checked)), "G4")

    assert [f.fix.code for f in refused if f.fix] == ([fix] if fix else [])
    assert all(says_all(f) for f in refused)


def test_calls_a_check_16_minutes_late_missing_and_not_failed() -> None:
    late = disconnect(3.641, timedelta(minutes=16))

    finding = only(ask(spoil(disconnect=late)), "G4")

    assert finding.verdict is Verdict.MISSING
    assert finding.value == "3.641 V, 16 min after current stopped"
    assert finding.limit == "within 15 min of current stopped"
    assert says_all(finding)


def test_refuses_the_check_of_an_older_run() -> None:
    refused = blocking(ask(spoil(disconnect=disconnect(run_id=10))))

    assert [f.rule for f in refused] == ["G4", "G5", "G6"]
    assert all(f.verdict is Verdict.MISSING for f in refused)


def test_a_reading_without_current_stopped_is_missing() -> None:
    ageless = disconnect(current_stopped_received_at=None)

    refused = blocking(ask(spoil(disconnect=ageless)))

    assert [(f.rule, f.verdict) for f in refused] == [
        ("G4", Verdict.MISSING),
        ("G5", Verdict.MISSING),
    ]
    assert all(says_all(f) for f in refused)
