"""Self-discharge watch: the first check of some cells, or the second where there is a first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shop.jobs.described.watching import SELF_DISCHARGE
from shop.jobs.figures import Cells, first_check_of
from shop.jobs.parameters import Parameters, read
from stations.procedures import self_discharge
from stations.procedures.bounds import self_discharge as bounds
from stations.procedures.steps import Program
from stations.values import Ratings

BOUNDS = bounds.BOUNDS
SAID = SELF_DISCHARGE


def recipe_of(parameters: Parameters) -> self_discharge.Recipe:
    """The recipe that stored parameters name; raises Refusal naming every wrong key."""
    return read(self_discharge.Recipe, parameters, bounds.BOUNDS, bounds.ORDERED, SAID)


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
