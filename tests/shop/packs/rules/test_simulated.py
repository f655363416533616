"""Simulated evidence is for packs that are marked simulated."""

from __future__ import annotations

from shop.packs.rules import is_allowed
from tests.shop.evidence.builders import (
    balance,
)
from tests.shop.packs.gate import ask, bank, only, says_all


def test_simulated_evidence_is_for_simulated_packs_only() -> None:
    cells = bank(balance=balance(simulated=True))

    assert says_all(only(ask(cells), "simulated"))
    assert is_allowed(ask(cells, simulated=True))
