"""G9: charging a pack, or a string, is no balance (M2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Verdict
from tests.shop.evidence.builders import cell
from tests.shop.packs.gate import ask, bank, says_all, spoil


def of(found: list[Finding], rule: str) -> list[Finding]:
    return [finding for finding in found if finding.rule == rule]


def test_a_cell_that_was_charged_in_series_and_never_balanced_is_missing_a_balance() -> None:
    (finding,) = of(ask(spoil(balance=None, series_run=77)), "G9")

    assert (finding.verdict, finding.cell) == (Verdict.MISSING, "C-2")
    assert says_all(finding)
    assert "never counts as a top balance" in finding.words


def test_a_balance_after_a_charge_in_series_counts_and_one_before_it_does_not() -> None:
    cells = bank()
    assert cells[0].balance is not None
    before, after = cells[0].balance.run_id - 1, cells[0].balance.run_id + 1

    (passed,) = of(ask([replace(cell, series_run=before) for cell in cells]), "G9")
    since = of(ask([replace(cell, series_run=after) for cell in cells]), "G9")

    assert passed.verdict == Verdict.PASS
    assert {finding.verdict for finding in since} == {Verdict.MISSING}


@pytest.mark.parametrize(
    ("cells", "verdict", "words"),
    [
        (bank(), Verdict.PASS, "before they were put in series"),
        ([cell("C-1", balance=None)], Verdict.NOT_APPLICABLE, "stops at the first full cell"),
    ],
)
def test_charging_a_pack_is_said_to_be_no_balance(
    cells: list[CellEvidence], verdict: Verdict, words: str
) -> None:
    (finding,) = of(ask(cells), "G9")

    assert finding.verdict == verdict
    assert words in finding.words
