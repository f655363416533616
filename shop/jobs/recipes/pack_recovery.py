"""B14: an assembled pack, held full while its balancer works, cycled once and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.packs import PACK_RECOVERY
from shop.jobs.figures import Cells, place_ah, places_of
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.bounds import RESUMES, WARMTH
from shop.refusals import Problem, Refusal
from stations.procedures import pack_recovery
from stations.procedures.steps import Program
from stations.values import Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **RESUMES,
    **WARMTH,
    "target_v": Window(3.50, 3.65),
    "below_bms_v": Window(0.005, 0.050),
    "cell_c_max": Window(0.01, 0.2),  # [A]: never more
    "supply_share": Window(0.05, 1.0),
    "hold_h": Window(0.1, 48.0),
    "again_h": Window(0.1, 12.0),
    "finish_c": Window(0.001, 0.2),
    "finish_above_v": Window(3.35, 3.65),
    "cycle_c": Window(0.01, 1.0),
    "cycle_share": Window(0.02, 0.9),
    "lowest_v": Window(2.60, 3.20),
    "stop_below_v": Window(0.02, 0.30),
    "near_v": Window(0.005, 0.050),
    "proven_share": Window(0.001, 0.10),
    "gone_s": Window(5.0, 600.0),
    "cell_stop_above_v": Window(0.010, 0.100),
    "string_stop_above_v": Window(0.010, 0.050),
    "ovp_above_v": Window(0.005, 0.050),
    "meter_agree_v": Window(0.002, 0.030),
    "bms_setting_within_v": Window(0.001, 0.500),
    "link_ohm_max": Window(0.0001, 0.010),
    "lead_max_ohm": Window(0.002, 0.200),
}
SAID = PACK_RECOVERY
ORDERED = (
    ("ovp_above_v", "string_stop_above_v"),
    ("string_stop_above_v", "cell_stop_above_v"),
)


def recipe_of(parameters: Parameters) -> pack_recovery.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(pack_recovery.Recipe, parameters, BOUNDS, ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter at its default, ready to be stored as a version."""
    return asdict(pack_recovery.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    first = cells[0]
    if first.pack is None:
        raise Refusal(
            [
                Problem(
                    "no_pack",
                    "A recovery is of an assembled pack.",
                    "Open it on the page of the pack, from what its reading asks for.",
                )
            ]
        )
    if ratings.load is None:
        raise Refusal(
            [Problem("no_load", "This station has no load.", "Choose a station with a load.")]
        )
    return pack_recovery.program(
        pack_recovery.Spec(
            recipe=recipe_of(parameters),
            cells=len(places_of(cells)),
            capacity_ah=place_ah(cells),
            cell_voltage_max_v=first.voltage_max_v,
            cell_voltage_min_v=first.voltage_min_v,
            bms_over_v=first.pack.bms_over_v,
            supply=ratings.supply,
            load=ratings.load,
            bms=ratings.bms,
        )
    )
