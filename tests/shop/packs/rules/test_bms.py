"""G8: what the pack's BMS is set to, and how it balances; G9: a charge in series is no balance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shop.packs.findings import Finding, Verdict
from shop.packs.rules import is_allowed
from tests.shop.packs.gate import ask, bank, only, says_all, spoil


def of(found: list[Finding], rule: str) -> list[Finding]:
    return [finding for finding in found if finding.rule == rule]


@pytest.mark.parametrize("over_v", [3.45, 3.60, 3.65])
def test_a_bms_that_opens_at_or_below_the_balance_target_passes(over_v: float) -> None:
    found = ask(bank(), bms_over_v=over_v)

    assert is_allowed(found)
    assert of(found, "G8")[0].verdict == Verdict.PASS


def test_a_bms_that_opens_above_the_balance_target_blocks() -> None:
    finding = only(ask(bank(), bms_over_v=3.70), "G8")

    assert says_all(finding)
    assert "3.650" in finding.limit


@pytest.mark.parametrize(
    ("application", "amps", "verdict"),
    [
        ("SOLAR", 1.0, Verdict.PASS),
        ("SOLAR", 2.0, Verdict.PASS),
        ("SOLAR", 0.0, Verdict.WARNING),
        ("SOLAR", 0.6, Verdict.WARNING),
        ("SOLAR", 5.0, Verdict.WARNING),
        ("STATIONARY", 0.0, Verdict.NOT_APPLICABLE),
    ],
)
def test_solar_wants_active_balancing_and_a_passive_one_is_warned_of(
    application: str, amps: float, verdict: Verdict
) -> None:
    found = ask(bank(), application=application, bms_balance_a=amps)

    assert of(found, "G8")[1].verdict == verdict
    assert is_allowed(found)


def test_a_cell_that_was_charged_in_series_and_never_balanced_is_missing_a_balance() -> None:
    (finding,) = of(ask(spoil(balance=None, series_run=77)), "G9")

    assert (finding.verdict, finding.cell) == (Verdict.MISSING, "C-2")
    assert says_all(finding)
    assert "never counts as a top balance" in finding.words


def test_a_balance_after_a_charge_in_series_counts() -> None:
    cells = bank()
    assert cells[0].balance is not None
    before, after = cells[0].balance.run_id - 1, cells[0].balance.run_id + 1

    (passed,) = of(ask([replace(cell, series_run=before) for cell in cells]), "G9")
    assert passed.verdict == Verdict.PASS

    since = of(ask([replace(cell, series_run=after) for cell in cells]), "G9")
    assert {finding.verdict for finding in since} == {Verdict.MISSING}
