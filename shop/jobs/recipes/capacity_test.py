"""B16: charge, rest, discharge at rated C: what one cell holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.testing import CAPACITY_TEST
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.bounds import RESUMES, WARMTH
from shop.refusals import Problem, Refusal
from stations.procedures import capacity_test
from stations.procedures.steps import Program
from stations.values import LoadRatings, Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    "target_v": Window(3.50, 3.65),
    "charge_c": Window(0.01, 1.0),
    "supply_share": Window(0.05, 1.0),
    "done_c": Window(0.001, 0.05),
    "done_share": Window(0.01, 0.5),
    "dwell_s": Window(10.0, 3600.0),
    "cv_max_s": Window(600.0, 24 * 3600.0),
    "rest_s": Window(1.0, 24 * 3600.0),
    "discharge_c": Window(0.05, 1.0),
    "cutoff_v": Window(2.50, 3.00),
    "cutoff_samples": Window(1, 10),
    "stop_below_v": Window(0.02, 0.50),  # so never below 2.0 V, where an LFP cell is harmed
    "gap_max_s": Window(1.0, 5.0),  # B16: a longer hole is never evidence
    "empty_rest_s": Window(1.0, 3600.0),
    "full_low_v": Window(3.20, 3.45),
    "alarm_above_v": Window(0.005, 0.050),
    "stop_above_v": Window(0.010, 0.100),
    "ovp_above_v": Window(0.020, 0.100),
    "meter_agree_v": Window(0.002, 0.050),
    "lead_max_ohm": Window(0.002, 0.100),
    "load_lead_max_ohm": Window(0.001, 0.050),
    "verify_cells_v": Window(0.005, 0.150),
}
SAID = CAPACITY_TEST
ORDERED = (
    ("alarm_above_v", "stop_above_v"),
    ("stop_above_v", "ovp_above_v"),
)


def recipe_of(parameters: Parameters) -> capacity_test.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(capacity_test.Recipe, parameters, BOUNDS, ORDERED, SAID)


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
            supply=ratings.supply,
            load=load_of(ratings),
            supply_offset_v=ratings.measured.supply_offset_v,
        )
    )


def load_of(ratings: Ratings) -> LoadRatings:
    """The station's load; raises Refusal where it has none."""
    if ratings.load is None:
        raise Refusal(
            [Problem("no_load", "This station has no load.", "Choose a station with a load.")]
        )
    return ratings.load
