"""Self-discharge watch: the first check of some cells, or the second where there is a first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shop.jobs.described.watching import SELF_DISCHARGE
from shop.jobs.figures import Cells, first_check_of
from shop.jobs.parameters import Parameters, read
from shop.jobs.recipes.bounds import WAITS
from stations.procedures import self_discharge
from stations.procedures.steps import Program
from stations.values import Ratings, Window

BOUNDS: Mapping[str, Window] = {
    **WAITS,
    "gap_min_s": Window(24 * 3600.0, 60 * 24 * 3600.0),
    "gap_max_s": Window(2 * 24 * 3600.0, 120 * 24 * 3600.0),
    "rest_min_s": Window(3600.0, 14 * 24 * 3600.0),
    "warn_month": Window(0.005, 0.10),
    "fail_month": Window(0.01, 0.30),
    "observable_share": Window(0.1, 1.0),
    "unsure_v": Window(0.0002, 0.010),
    "hysteresis_v": Window(0.0, 0.010),
    "plateau_v": Window(0.005, 0.020),
    "span_max_s": Window(60.0, 4 * 3600.0),
    "temperature_span_k": Window(0.5, 10.0),
}
SAID = SELF_DISCHARGE
ORDERED = (
    ("gap_min_s", "gap_max_s"),
    ("warn_month", "fail_month"),
    ("unsure_v", "plateau_v"),
)


def recipe_of(parameters: Parameters) -> self_discharge.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(self_discharge.Recipe, parameters, BOUNDS, ORDERED, SAID)


def defaults() -> dict[str, Any]:
    """Every parameter of a watch's recipe at its default, ready to be stored as a version."""
    return asdict(self_discharge.Recipe())


def program(parameters: Parameters, cells: Cells, ratings: Ratings) -> Program:
    """Of cells balanced together or not; that they have rested is known of those only."""
    parted = [cell.parted for cell in cells if cell.parted is not None]
    return self_discharge.program(
        self_discharge.Spec(
            recipe=recipe_of(parameters),
            cells=len(cells),
            target_v=max((p.target_v for p in parted), default=cells[0].voltage_max_v),
            cell_voltage_max_v=cells[0].voltage_max_v,
            cell_voltage_min_v=cells[0].voltage_min_v,
            current_stopped=max(
                (p.stopped for p in parted), key=lambda stop: stop.received_at, default=None
            ),
            first=_first(cells),
        )
    )


def _first(cells: Cells) -> self_discharge.First | None:
    seen = first_check_of(cells)
    if not seen:
        return None
    return self_discharge.First(
        check=seen[0].check_id,
        volts=tuple(watched.voltage_v for watched in seen),
        at=max(watched.at for watched in seen),
        temperature_c=seen[0].temperature_c,
    )
