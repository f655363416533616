"""B8: every cell again, each against the median of those that it was balanced with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.testing import RECHECK
from shop.jobs.figures import Cells, never_parted
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.bounds import WAITS
from shop.refusals import Problem, refuse
from stations.procedures import recheck
from stations.procedures.steps import Program
from stations.values import Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **WAITS,
    "early_s": Window(600.0, 24 * 3600.0),
    "early_warn_v": Window(0.005, 0.200),
    "early_fail_v": Window(0.005, 0.200),
    "late_s": Window(3600.0, 14 * 24 * 3600.0),
    "late_warn_v": Window(0.005, 0.200),
    "late_fail_v": Window(0.005, 0.200),
    "floor_v": Window(3.30, 3.45),
    "empty_early_warn_v": Window(0.005, 0.100),
    "empty_early_fail_v": Window(0.005, 0.150),
    "empty_late_warn_v": Window(0.005, 0.150),
    "empty_late_fail_v": Window(0.005, 0.200),
    "empty_floor_v": Window(2.00, 2.80),
    "single_more_v": Window(0.0, 0.050),
    "taper_c_max": Window(0.005, 0.04),
    "span_max_s": Window(60.0, 4 * 3600.0),
    "temperature_span_k": Window(0.5, 10.0),
}
SAID = RECHECK
ORDERED = (
    ("early_s", "late_s"),
    ("early_warn_v", "early_fail_v"),
    ("late_warn_v", "late_fail_v"),
    ("empty_early_warn_v", "empty_early_fail_v"),
    ("empty_late_warn_v", "empty_late_fail_v"),
)


def recipe_of(parameters: Parameters) -> recheck.Recipe:
    """The re-check recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(recheck.Recipe, parameters, BOUNDS, ORDERED, SAID)


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
                "Emptied cells are not compared by a hand-held meter: they must lie within "
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
