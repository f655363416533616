"""B17: one cell, to the target that it was balanced to with its neighbours."""

from __future__ import annotations

from shop.jobs.figures import CellFigures, Cells, never_parted
from shop.jobs.parameters import Parameters
from shop.jobs.recipes import single_cells
from shop.jobs.recipes.top_balance import BOUNDS, SAID, defaults, recipe_of
from shop.refusals import Problem, refuse
from stations.procedures.steps import Program
from stations.values import Ratings

__all__ = ["BOUNDS", "SAID", "defaults", "program", "recipe_of"]


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    recipe, cell = recipe_of(parameters), cells[0]
    if cell.parted is None:
        refuse([never_parted(cell, "Balance it with the others; a recharge follows its check.")])
    elif cell.parted.target_v != recipe.target_v:
        refuse([_other_target(cell, cell.parted.target_v, recipe.target_v)])
    return single_cells.program(parameters, cells, ratings)


def _other_target(cell: CellFigures, balanced_v: float, asked_v: float) -> Problem:
    return Problem(
        "other_target",
        f"Cell {cell.serial} was balanced to {balanced_v:.2f} V and would be recharged to "
        f"{asked_v:.2f} V: it would not meet its neighbours any more.",
        f"Choose a recipe with the target {balanced_v:.2f} V.",
    )
