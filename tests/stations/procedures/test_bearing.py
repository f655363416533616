"""A program keeps to the datasheet of its cells: each cell's share of the current, its volts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.procedures.bearing import CellRatings, problems
from stations.procedures.steps import Charge, Program
from stations.values import Window
from tests.stations.procedures.scripted import program
from tests.stations.procedures.test_emptying_plans import bottom, capacity

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


@pytest.mark.parametrize(
    ("made", "rate"), [(capacity(), 0.5), (bottom(), 0.2), (bottom(first_c=0.4), 0.4)]
)
def test_a_discharge_keeps_to_the_datasheets_rate(made: Program, rate: float) -> None:
    assert problems(made, CELL) == []  # nobody said it
    assert problems(made, replace(CELL, discharge_c_max=rate)) == []

    found = problems(made, replace(CELL, discharge_c_max=0.9 * rate))

    assert found
    assert all("out of a cell are" in problem for problem in found)


def test_a_bank_shares_its_current_and_a_cell_alone_does_not() -> None:
    whole = program()
    step = next(s for s in whole.steps if isinstance(s, Charge))
    share = step.setpoint.current_a / (whole.cells * CELL.capacity_ah)
    alone = replace(whole, steps=(replace(step, cell=1),))

    assert problems(whole, replace(CELL, charge_c_max=share)) == []
    assert problems(alone, replace(CELL, charge_c_max=share)) != []
