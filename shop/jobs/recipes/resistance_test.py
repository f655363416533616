"""DC resistance of one cell by a current step."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.testing import RESISTANCE_TEST
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.capacity_test import load_of
from stations.procedures import resistance
from stations.procedures.bounds import resistance_test as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = RESISTANCE_TEST


def recipe_of(parameters: Parameters) -> resistance.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(resistance.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter of a resistance test's recipe at its default, ready to be stored."""
    return asdict(resistance.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    (cell,) = cells
    return resistance.program(
        resistance.Spec(
            recipe=recipe_of(parameters),
            capacity_ah=cell.capacity_ah,
            typical_ohm=cell.r_ohm,
            cell_voltage_max_v=cell.voltage_max_v,
            cell_voltage_min_v=cell.voltage_min_v,
            torque_nm=cell.torque_nm,
            load=load_of(ratings),
            meter=ratings.meter,
        )
    )
