"""DC resistance of one cell by a current step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.testing import RESISTANCE_TEST
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.bounds import RESUMES
from shop.jobs.recipes.capacity_test import load_of
from stations.procedures import resistance
from stations.procedures.steps import Program
from stations.values import Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    "current_c": Window(0.05, 1.0),
    "step_s": Window(2.0, 120.0),
    "early_s": Window(0.5, 60.0),
    "rest_s": Window(1.0, 24 * 3600.0),
    "rested_low_v": Window(3.00, 3.30),
    "rested_high_v": Window(3.30, 3.36),
    "low_share": Window(0.1, 1.0),
    "warn_share": Window(1.0, 10.0),
    "fail_share": Window(1.0, 20.0),
    "resolution_share": Window(0.001, 0.10),
    "cutoff_v": Window(2.50, 3.00),
    "cutoff_samples": Window(1, 10),
    "stop_below_v": Window(0.02, 0.50),
    "gap_max_s": Window(1.0, 5.0),
    "after_s": Window(1.0, 3600.0),
    "meter_agree_v": Window(0.002, 0.050),
    "load_lead_max_ohm": Window(0.001, 0.050),
    "verify_cells_v": Window(0.005, 0.150),
}
SAID = RESISTANCE_TEST
ORDERED = (
    ("early_s", "step_s"),
    ("low_share", "warn_share"),
    ("warn_share", "fail_share"),
)


def recipe_of(parameters: Parameters) -> resistance.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(resistance.Recipe, parameters, BOUNDS, ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter of a resistance test's recipe at its default, ready to be stored."""
    return asdict(resistance.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    (cell,) = cells
    return resistance.program(
        resistance.Spec(
            recipe=recipe_of(parameters),
            capacity_ah=cell.capacity_ah,
            typical_ohm=cell.r_ohm,
            cell_voltage_max_v=cell.voltage_max_v,
            cell_voltage_min_v=cell.voltage_min_v,
            load=load_of(ratings),
            meter=ratings.meter,
        )
    )
