"""B10: cells charged in series behind a BMS until the first is full."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.series import SERIES_PRECHARGE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from stations.procedures import series_precharge
from stations.procedures.bounds import series_precharge as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = SERIES_PRECHARGE


def recipe_of(parameters: Parameters) -> series_precharge.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(series_precharge.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(series_precharge.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    first = cells[0]
    return series_precharge.program(
        series_precharge.Spec(
            recipe=recipe_of(parameters),
            cells=len(cells),
            capacity_ah=first.capacity_ah,
            cell_voltage_max_v=first.voltage_max_v,
            cell_voltage_min_v=first.voltage_min_v,
            torque_nm=first.torque_nm,
            cell_r_ohm=first.r_ohm,
            supply=ratings.supply,
            bms=ratings.bms,
            has_scanner=ratings.scanner is not None and ratings.scanner.channels >= len(cells),
        )
    )
