"""B9: each cell alone to one empty voltage, then compared at rest."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.emptying import BOTTOM_BALANCE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.capacity_test import load_of
from stations.procedures import bottom_balance
from stations.procedures.bounds import bottom_balance as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = BOTTOM_BALANCE


def recipe_of(parameters: Parameters) -> bottom_balance.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(bottom_balance.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter of a bottom balance's recipe at its default, ready to be stored."""
    return asdict(bottom_balance.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    first = cells[0]
    return bottom_balance.program(
        bottom_balance.Spec(
            recipe=recipe_of(parameters),
            cells=len(cells),
            capacity_ah=first.capacity_ah,
            cell_voltage_max_v=first.voltage_max_v,
            cell_voltage_min_v=first.voltage_min_v,
            torque_nm=first.torque_nm,
            load=load_of(ratings),
        )
    )
