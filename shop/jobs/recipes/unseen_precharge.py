"""B10: cells charged in series behind a BMS without a wire, nobody seeing them, somebody there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.series import UNSEEN_PRECHARGE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from stations.procedures import unseen_precharge
from stations.procedures.bounds import unseen_precharge as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = UNSEEN_PRECHARGE


def recipe_of(parameters: Parameters) -> unseen_precharge.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(unseen_precharge.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(unseen_precharge.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    first = cells[0]
    return unseen_precharge.program(
        unseen_precharge.Spec(
            recipe=recipe_of(parameters),
            cells=len(cells),
            capacity_ah=first.capacity_ah,
            cell_voltage_max_v=first.voltage_max_v,
            cell_voltage_min_v=first.voltage_min_v,
            torque_nm=first.torque_nm,
            supply=ratings.supply,
            by_hand=ratings.by_hand and ratings.scanner is None,
        )
    )
