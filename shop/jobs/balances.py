"""Recipes of what else charges cells beside the parallel balance: bounds and defaults.

The numbers and their sources stand with each procedure in `stations.procedures`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.defaults import RECIPE_BOUNDS, RECIPE_ORDERED, read
from stations.procedures import levelling, step_pause
from stations.values import Window

STEP_PAUSE_BOUNDS: Mapping[str, Window] = {
    **RECIPE_BOUNDS,
    "supply_share": Window(0.05, 0.80),  # B11: never more, whoever allows it
    "first_v": Window(3.38, 3.60),
    "second_v": Window(3.38, 3.64),
    "stage_cv_min_s": Window(0.0, 24 * 3600.0),
    "first_share": Window(0.05, 1.0),
}
STEP_PAUSE_ORDERED = (*RECIPE_ORDERED, ("first_v", "second_v"), ("second_v", "target_v"))


LEVELLING_BOUNDS: Mapping[str, Window] = {
    **RECIPE_BOUNDS,
    "target_v": Window(2.90, 3.40),
    "target_min_v": Window(2.50, 3.40),
    "cv_max_s": Window(600.0, 14 * 24 * 3600.0),
    "levelled_below_v": Window(0.005, 0.150),
}


def levelling_recipe_of(parameters: Mapping[str, Any]) -> levelling.Recipe:
    """The recipe that stored parameters name; raises Refusal like `defaults.recipe_of`."""
    return read(levelling.Recipe, parameters, LEVELLING_BOUNDS, RECIPE_ORDERED)


def levelling_defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(levelling.Recipe())


def step_pause_recipe_of(parameters: Mapping[str, Any]) -> step_pause.Recipe:
    """The recipe that stored parameters name; raises Refusal like `defaults.recipe_of`."""
    return read(step_pause.Recipe, parameters, STEP_PAUSE_BOUNDS, STEP_PAUSE_ORDERED)


def step_pause_defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(step_pause.Recipe())
