"""B14: an assembled pack, held full while its balancer works, cycled once and read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.packs import PACK_RECOVERY
from shop.jobs.figures import Cells, place_ah, places_of
from shop.jobs.parameters import Parameters, read
from shop.refusals import Problem, Refusal
from stations.procedures import pack_recovery
from stations.procedures.bounds import pack_recovery as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = PACK_RECOVERY


def recipe_of(parameters: Parameters) -> pack_recovery.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(pack_recovery.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


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
            torque_nm=first.torque_nm,
            bms_over_v=first.pack.bms_over_v,
            supply=ratings.supply,
            load=ratings.load,
            bms=ratings.bms,
        )
    )
