"""B3: low cells charged to where the high ones rest."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.stages import LEVELLING
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes import top_balance
from stations.procedures import levelling
from stations.procedures.bounds import levelling as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = LEVELLING


def recipe_of(parameters: Parameters) -> levelling.Recipe:
    """The recipe that stored parameters name; raises Refusal like that of the top balance."""
    return read(levelling.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(levelling.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    recipe = recipe_of(parameters)
    return levelling.program(top_balance.planned(recipe, cells, ratings), recipe)
