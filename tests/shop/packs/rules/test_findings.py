"""The gate as a whole: a good bank passes, and nothing passes unjudged."""

from __future__ import annotations

from shop.packs.rules import is_allowed
from tests.shop.packs.gate import ask, bank


def test_allows_a_good_bank_and_shows_its_figures() -> None:
    found = ask(bank())

    assert is_allowed(found)
    assert {f.rule for f in found} == {
        *("G1", "G2", "G3", "G4", "G5", "G6", "G7", "G9", "G10", "F7", "simulated")
    }
    assert any(f.rule == "G2" and f.value == "0.00 %" for f in found)
    assert any(f.rule == "G4" and f.value == "3.641 V, 2 min after current stopped" for f in found)


def test_allows_nothing_that_was_not_judged() -> None:
    assert not is_allowed([])
