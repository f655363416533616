"""B11: the bank in three voltages, with a pause between."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.stages import STEP_PAUSE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes import top_balance
from stations.procedures import step_pause
from stations.procedures.bounds import step_pause as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = STEP_PAUSE


def recipe_of(parameters: Parameters) -> step_pause.Recipe:
    """The recipe that stored parameters name; raises Refusal like that of the top balance."""
    return read(step_pause.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(step_pause.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    recipe = recipe_of(parameters)
    return step_pause.program(top_balance.planned(recipe, cells, ratings), recipe)
