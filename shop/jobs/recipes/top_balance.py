"""B1: all cells in parallel.  Its bounds are those of whatever else charges to a target."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from shop.jobs.described.charging import TOP_BALANCE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read, wrong
from shop.refusals import Refusal, refuse
from stations.procedures import top_balance
from stations.procedures.bounds import top_balance as bounds
from stations.procedures.steps import Program
from stations.procedures.top_balance import Recipe
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = TOP_BALANCE

FULL_RATING = "full_rating_allowed"  # B1: a supervisor allows the continuous rating ([B] 4.2)


def recipe_of(parameters: Parameters) -> Recipe:
    """The recipe that stored parameters name; what is not named takes its default.

    Raises Refusal naming every key that is unknown, mistyped or out of bounds.
    """
    named = {key: value for key, value in parameters.items() if key != FULL_RATING}
    found = []
    if not isinstance(parameters.get(FULL_RATING, False), bool):
        found = [wrong(FULL_RATING, "must be true or false")]
    try:
        recipe = read(Recipe, named, bounds.BOUNDS, bounds.ORDERED, SAID)
    except Refusal as refusal:
        raise Refusal([*refusal.problems, *found]) from None
    refuse(found)
    return recipe


def defaults() -> dict[str, Any]:
    """Every parameter of a recipe at its default, ready to be stored as a version."""
    return {**asdict(Recipe()), FULL_RATING: False}


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    return top_balance.program(spec_of(parameters, cells, ratings))


def spec_of(parameters: Parameters, cells: Cells, ratings: Ratings) -> top_balance.Spec:
    """What the parallel balance, and that of each cell alone, are planned from."""
    spec = planned(recipe_of(parameters), cells, ratings)
    return replace(spec, full_rating_allowed=full_rating_allowed(parameters))


def full_rating_allowed(parameters: Parameters) -> bool:
    return bool(parameters.get(FULL_RATING, False))


def planned(recipe: top_balance.Recipe, cells: Cells, ratings: Ratings) -> top_balance.Spec:
    """`recipe` for these cells on the supply of the bench."""
    first = cells[0]
    return top_balance.Spec(
        recipe=recipe,
        cells=len(cells),
        capacity_ah=first.capacity_ah,
        cell_voltage_max_v=first.voltage_max_v,
        cell_voltage_min_v=first.voltage_min_v,
        torque_nm=first.torque_nm,
        cell_r_ohm=first.r_ohm,
        supply=ratings.supply,
        supply_offset_v=ratings.measured.supply_offset_v,
        shown_offset_v=ratings.measured.shown_offset_v,
    )
