"""B10: cells charged in series behind a BMS without a wire, nobody seeing them, somebody there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.series import UNSEEN_PRECHARGE
from shop.jobs.figures import Cells
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes import series_precharge
from shop.jobs.recipes.bounds import RESUMES, WARMTH
from stations.procedures import unseen_precharge
from stations.procedures.steps import Program
from stations.values import UNSEEN_PRESENCE_MAX_S, Ratings, Window

SHARED = (
    "target_v",
    "target_min_v",
    "supply_share",
    "bms_setting_within_v",
    "tail_c",
    "proven_share",
    "gone_s",
    "string_stop_above_v",
    "ovp_above_v",
    "meter_agree_v",
    "link_ohm_max",
    "lead_max_ohm",
)
BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    **{name: series_precharge.BOUNDS[name] for name in SHARED},
    "cell_c_max": Window(0.01, 0.2),
    "presence_s": Window(60.0, UNSEEN_PRESENCE_MAX_S),
    "run_up_v": Window(0.08, 0.20),
    "run_up_share": Window(0.002, 0.02),
    "knee_v": Window(3.43, 3.60),
    "hold_h": Window(0.1, 6.0),
}
SAID = UNSEEN_PRECHARGE
ORDERED = (
    ("target_min_v", "target_v"),
    ("knee_v", "target_v"),
    ("ovp_above_v", "string_stop_above_v"),
)


def recipe_of(parameters: Parameters) -> unseen_precharge.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(unseen_precharge.Recipe, parameters, BOUNDS, ORDERED, SAID)


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
            supply=ratings.supply,
            by_hand=ratings.by_hand and ratings.scanner is None,
        )
    )
