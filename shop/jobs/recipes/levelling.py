"""B3: low cells charged to where the high ones rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.stages import LEVELLING
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes import top_balance
from stations.procedures import levelling
from stations.procedures.steps import Program
from stations.values import Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **top_balance.BOUNDS,
    "target_v": Window(2.90, 3.40),
    "target_min_v": Window(2.50, 3.40),
    "cv_max_s": Window(600.0, 14 * 24 * 3600.0),
    "flat_for_s": Window(600.0, 14 * 24 * 3600.0),
    "levelled_below_v": Window(0.005, 0.150),
}
SAID = LEVELLING


def recipe_of(parameters: Parameters) -> levelling.Recipe:
    """The recipe that stored parameters name; raises Refusal like that of the top balance."""
    return read(levelling.Recipe, parameters, BOUNDS, top_balance.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(levelling.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    recipe = recipe_of(parameters)
    return levelling.program(top_balance.planned(recipe, cells, ratings), recipe)
