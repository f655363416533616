"""B11: the bank in three voltages, with a pause between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.stages import STEP_PAUSE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes import top_balance
from stations.procedures import step_pause
from stations.procedures.steps import Program
from stations.values import Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **top_balance.BOUNDS,
    "supply_share": Window(0.05, 0.80),  # B11: never more, whoever allows it
    "first_v": Window(3.38, 3.60),
    "second_v": Window(3.38, 3.64),
    "stage_cv_min_s": Window(0.0, 24 * 3600.0),
    "first_share": Window(0.05, 1.0),
}
SAID = STEP_PAUSE
ORDERED = (*top_balance.ORDERED, ("first_v", "second_v"), ("second_v", "target_v"))


def recipe_of(parameters: Parameters) -> step_pause.Recipe:
    """The recipe that stored parameters name; raises Refusal like that of the top balance."""
    return read(step_pause.Recipe, parameters, BOUNDS, ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(step_pause.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    recipe = recipe_of(parameters)
    return step_pause.program(top_balance.planned(recipe, cells, ratings), recipe)
