"""A program keeps to the datasheet of its cells: each cell's share of the current, its volts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.procedures.bearing import CellRatings, problems
from stations.procedures.steps import Charge
from stations.values import Window
from tests.stations.procedures.scripted import program

CELL = CellRatings(capacity_ah=200.0, charge_c_max=0.5, voltage=Window(2.50, 3.65))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"charge_c_max": 0.001}, "that the cell's datasheet allows"),
        ({"voltage": Window(2.50, 3.64)}, "above the cell's own limit of 3.640 V"),
    ],
)
def test_what_the_cells_do_not_bear_is_named(changes: dict[str, object], words: str) -> None:
    found = problems(program(), replace(CELL, **changes))  # type: ignore[arg-type]

    assert bool(found) == bool(words)
    assert all(words in problem for problem in found)


def test_a_bank_shares_its_current_and_a_cell_alone_does_not() -> None:
    whole = program()
    step = next(s for s in whole.steps if isinstance(s, Charge))
    share = step.setpoint.current_a / (whole.cells * CELL.capacity_ah)
    alone = replace(whole, steps=(replace(step, cell=1),))

    assert problems(whole, replace(CELL, charge_c_max=share)) == []
    assert problems(alone, replace(CELL, charge_c_max=share)) != []
