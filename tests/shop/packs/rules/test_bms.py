"""G8: the BMS holds what the balance made."""

from __future__ import annotations

import pytest

from shop.packs.findings import Finding, Verdict
from shop.packs.rules import is_allowed
from tests.shop.packs.gate import ask, bank, only, says_all


def of(found: list[Finding], rule: str) -> list[Finding]:
    return [finding for finding in found if finding.rule == rule]


@pytest.mark.parametrize(("bms_v", "allowed"), [(3.60, True), (3.65, True), (3.651, False)])
def test_the_bms_opens_at_or_below_where_the_cells_met(bms_v: float, allowed: bool) -> None:
    found = ask(bank(), bms_over_voltage_v=bms_v)

    assert is_allowed(found) == allowed
    if not allowed:
        assert says_all(only(found, "G8"))


@pytest.mark.parametrize(
    ("balancer_a", "verdict"),
    [
        (0.0, Verdict.WARNING),
        (0.99, Verdict.WARNING),
        (1.0, Verdict.PASS),
        (2.0, Verdict.PASS),
        (2.01, Verdict.WARNING),
    ],
)
def test_a_solar_pack_without_a_fitting_balancer_is_warned_of_and_not_refused(
    balancer_a: float, verdict: Verdict
) -> None:
    found = ask(bank(), bms_active_balance_a=balancer_a)

    assert [f.verdict for f in of(found, "G8")] == [verdict]
    assert is_allowed(found)
    stationary = ask(bank(), bms_active_balance_a=balancer_a, application="STATIONARY")
    assert of(stationary, "G8") == []
