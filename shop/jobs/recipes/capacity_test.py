"""B16: charge, rest, discharge at rated C: what one cell holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.testing import CAPACITY_TEST
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.refusals import Problem, Refusal
from stations.procedures import capacity_test
from stations.procedures.bounds import capacity_test as bounds
from stations.procedures.steps import Program
from stations.values import LoadRatings, Ratings

BOUNDS = bounds.BOUNDS
SAID = CAPACITY_TEST


def recipe_of(parameters: Parameters) -> capacity_test.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(capacity_test.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter of a capacity test's recipe at its default, ready to be stored."""
    return asdict(capacity_test.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    (cell,) = cells
    return capacity_test.program(
        capacity_test.Spec(
            recipe=recipe_of(parameters),
            capacity_ah=cell.capacity_ah,
            cell_voltage_max_v=cell.voltage_max_v,
            cell_voltage_min_v=cell.voltage_min_v,
            torque_nm=cell.torque_nm,
            supply=ratings.supply,
            load=load_of(ratings),
            supply_offset_v=ratings.measured.supply_offset_v,
            shown_offset_v=ratings.measured.shown_offset_v,
        )
    )


def load_of(ratings: Ratings) -> LoadRatings:
    """The station's load; raises Refusal where it has none."""
    if ratings.load is None:
        raise Refusal(
            [Problem("no_load", "This station has no load.", "Choose a station with a load.")]
        )
    return ratings.load
