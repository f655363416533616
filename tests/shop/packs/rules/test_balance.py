"""G3: complete, by the method that the application calls for, the same for all."""

from __future__ import annotations

import pytest

from shop.packs.findings import Verdict
from shop.packs.rules import is_allowed
from tests.shop.evidence.builders import (
    balance,
    disconnect,
)
from tests.shop.packs.gate import ask, bank, blocking, only, says_all, spoil


def test_refuses_without_balance() -> None:
    refused = ask(spoil(balance=None, disconnect=None))

    assert {f.rule for f in blocking(refused)} == {"G3", "G4", "G5", "G6", "G7"}
    assert all(f.verdict is Verdict.MISSING and says_all(f) for f in blocking(refused))


def test_refuses_a_partial_balance() -> None:
    partial = balance(completeness="PARTIAL", tail_a=3.1, remark="stopped at 3.10 A, above 2.00 A")

    finding = only(ask(spoil(balance=partial)), "G3")

    assert (finding.value, finding.limit) == ("tail 3.10 A", "≤ 2.00 A")
    assert says_all(finding)


def test_refuses_a_balance_that_was_cut_with_the_current_off() -> None:
    cut = balance(completeness="PARTIAL", tail_a=0.0, remark="cut short; stopped by Tola")

    finding = only(ask(spoil(balance=cut)), "G3")

    assert finding.value == "tail not held"
    assert says_all(finding)


def test_refuses_a_cell_that_was_on_a_bench_after_its_balance() -> None:
    finding = only(ask(spoil(run_since=12)), "G3")

    assert finding.verdict is Verdict.MISSING
    assert says_all(finding)


def test_refuses_a_balance_whose_seal_does_not_hold() -> None:
    finding = only(ask(spoil(balance=balance(broken="the manifest of run 7 is not signed"))), "G3")

    assert "C-2 proves nothing: the manifest of run 7 is not signed" in finding.words
    assert says_all(finding)


@pytest.mark.parametrize("application", ["SOLAR", "STATIONARY"])
def test_refuses_a_bottom_balance_for_storage(application: str) -> None:
    found = ask(spoil(balance=balance(method="BOTTOM")), application=application)

    finding = next(f for f in blocking(found, "G3") if f.cell == "C-2")
    assert "calls for a top balance" in finding.words
    assert says_all(finding)


def test_refuses_a_top_balance_for_frequent_full_discharge() -> None:
    refused = blocking(ask(bank(), application="EV"), "G3")

    assert len(refused) == 4
    assert "calls for a bottom balance" in refused[0].words


@pytest.mark.parametrize("other", [{"target_v": 3.60}, {"policy_version": 2}])
def test_refuses_cells_that_were_balanced_differently(other: dict[str, object]) -> None:
    finding = next(f for f in blocking(ask(spoil(balance=balance(**other))), "G3"))

    assert finding.cell == ""
    assert says_all(finding)


def test_says_that_the_cells_come_from_several_banks() -> None:
    second = {"balance": balance(run_id=12), "disconnect": disconnect(run_id=12)}

    found = ask(spoil(**second))

    assert is_allowed(found)
    assert any("in 2 banks" in f.words for f in found)
