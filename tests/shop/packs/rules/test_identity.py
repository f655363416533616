"""G10 within one plan: known cells, each once, as many as the design has places."""

from __future__ import annotations

import pytest

from shop.packs.rules import findings
from tests.shop.evidence.builders import (
    NOW,
    cell,
)
from tests.shop.packs.gate import POLICY, ask, bank, blocking, only, plan, says_all


def test_refuses_one_cell_twice() -> None:
    cells = bank(3)
    serials = ("C-1", "C-2", "C-3", "C-2")

    found = findings(plan(serials), {c.serial: c for c in cells}, POLICY, NOW)

    finding = only(found, "G10")
    assert finding.cell == "C-2"
    assert says_all(finding)


@pytest.mark.parametrize(("series", "parallel"), [(8, 1), (2, 1), (4, 2)])
def test_refuses_another_number_of_cells_than_the_design_has(series: int, parallel: int) -> None:
    assert says_all(only(ask(bank(), series=series, parallel=parallel), "G10"))


def test_refuses_an_unknown_cell() -> None:
    found = findings(plan(("C-1", "C-X")), {"C-1": cell("C-1")}, POLICY, NOW)

    assert any(f.cell == "C-X" and f.rule == "G10" for f in blocking(found))
