"""B10: cells charged in series behind a BMS until the first is full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.series import SERIES_PRECHARGE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.bounds import RESUMES, WARMTH
from stations.procedures import series_precharge
from stations.procedures.steps import Program
from stations.values import Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    "target_v": Window(3.50, 3.65),
    "target_min_v": Window(3.40, 3.65),
    "cell_c_max": Window(0.01, 0.5),
    "supply_share": Window(0.05, 1.0),
    "bms_setting_within_v": Window(0.001, 0.020),
    "near_v": Window(0.005, 0.050),
    "tail_c": Window(0.001, 0.05),
    "proven_share": Window(0.001, 0.10),
    "gone_s": Window(5.0, 600.0),
    "cell_stop_above_v": Window(0.010, 0.100),
    "string_stop_above_v": Window(0.010, 0.050),
    "ovp_above_v": Window(0.005, 0.050),
    "meter_agree_v": Window(0.002, 0.030),
    "link_ohm_max": Window(0.0001, 0.010),
    "lead_max_ohm": Window(0.002, 0.200),
    "parallel_rest_h": Window(0.0, 72.0),
    "parallel_spread_max_v": Window(0.01, 0.15),
    "parallel_level_max_v": Window(0.01, 0.30),
    "parallel_peak_warn_c": Window(0.05, 2.0),
    "parallel_peak_max_c": Window(0.05, 2.0),
    "link_ohm": Window(0.00005, 0.010),
}
SAID = SERIES_PRECHARGE
ORDERED = (
    ("target_min_v", "target_v"),
    ("ovp_above_v", "string_stop_above_v"),
    ("string_stop_above_v", "cell_stop_above_v"),
    ("parallel_spread_max_v", "parallel_level_max_v"),
    ("parallel_peak_warn_c", "parallel_peak_max_c"),
)


def recipe_of(parameters: Parameters) -> series_precharge.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(series_precharge.Recipe, parameters, BOUNDS, ORDERED, SAID)


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
            cell_r_ohm=first.r_ohm,
            supply=ratings.supply,
            bms=ratings.bms,
            has_scanner=ratings.scanner is not None and ratings.scanner.channels >= len(cells),
        )
    )
