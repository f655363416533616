"""B8: every cell again, each against the median of those that it was balanced with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.testing import RECHECK
from shop.jobs.figures import Cells, never_parted
from shop.jobs.parameters import Parameters, read
from shop.refusals import Problem, refuse
from stations.procedures import recheck
from stations.procedures.bounds import recheck as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = RECHECK


def recipe_of(parameters: Parameters) -> recheck.Recipe:
    """The re-check recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(recheck.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter of a re-check recipe at its default, ready to be stored as a version."""
    return asdict(recheck.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    """Of cells that each had a balance to one target; the one that parted first gives the age."""
    known = [cell.parted for cell in cells if cell.parted is not None]
    refuse(_problems(cells, ratings))
    recipe = recipe_of(parameters)
    most_a = recipe.taper_c_max * cells[0].capacity_ah
    return recheck.program(
        recheck.Spec(
            recipe=recipe,
            banks=tuple(parted.run_id for parted in known),
            target_v=known[0].target_v,
            current_stopped=min(
                (parted.stopped for parted in known), key=lambda stopped: stopped.received_at
            ),
            cell_voltage_max_v=cells[0].voltage_max_v,
            cell_voltage_min_v=cells[0].voltage_min_v,
            empty=known[0].method == "BOTTOM",
            tapered=all(parted.done_a <= most_a for parted in known),
        )
    )


def _problems(cells: Cells, ratings: Ratings) -> list[Problem]:
    found = [
        never_parted(cell, "Balance it; a re-check compares what a balance left.")
        for cell in cells
        if cell.parted is None
    ]
    emptied = any(cell.parted is not None and cell.parted.method == "BOTTOM" for cell in cells)
    if emptied and ratings.scanner is None:
        found.append(
            Problem(
                "by_hand",
                "Emptied cells are compared by a scanner, not one by one: they must lie within "
                "millivolts of each other.",
                "Choose a station with a scanner.",
            )
        )
    targets = sorted({cell.parted.target_v for cell in cells if cell.parted is not None})
    if len(targets) > 1:
        named = ", ".join(f"{target:.2f} V" for target in targets)
        found.append(
            Problem(
                "mixed_targets",
                f"These cells were balanced to different targets: {named}.",
                "Check the cells of each target in a job of their own.",
            )
        )
    return found
