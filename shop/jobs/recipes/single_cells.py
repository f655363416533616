"""B12: cell by cell on one supply."""

from __future__ import annotations

from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters
from shop.jobs.recipes.top_balance import BOUNDS, SAID, defaults, recipe_of, spec_of
from stations.procedures import single_cells
from stations.procedures.steps import Program
from stations.values import Ratings

__all__ = ["BOUNDS", "SAID", "defaults", "program", "recipe_of"]


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    """Where the bench has a router with a route to each cell, that moves the leads."""
    routed = ratings.routes >= len(cells)
    return single_cells.program(spec_of(parameters, cells, ratings), routed=routed)
