"""What a program asks of the cells, against what their datasheet says they bear.  Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stations.procedures.steps import Charge, Discharge, Program, SeriesCharge
from stations.values import Window


@dataclass(frozen=True, slots=True)
class CellRatings:
    """What one cell bears, from its datasheet."""

    capacity_ah: float
    charge_c_max: float  # 1/h
    voltage: Window  # absolute
    discharge_c_max: float = math.inf  # 1/h, continuous; infinite where nobody said it


def problems(program: Program, cell: CellRatings) -> list[str]:
    """Where a program asks more than the datasheet allows, in words; empty means go."""
    found = []
    for step in program.steps:
        if isinstance(step, Charge):
            together = 1 if step.cell else program.cells
            found += _charged(
                step.title, step.setpoint.current_a / together, step.setpoint.voltage_v, cell
            )
        elif isinstance(step, SeriesCharge):
            found += _charged(step.title, step.setpoint.current_a, step.target_v, cell)
        elif isinstance(step, Discharge):
            found += _drawn(step.title, step.draw.current_a, step.cutoff_v, cell)
    return found


def _drawn(title: str, current_a: float, cutoff_v: float, cell: CellRatings) -> list[str]:
    """`current_a` out of each cell: they are drawn from alone or in series."""
    found, c_rate = [], current_a / cell.capacity_ah
    if not c_rate <= cell.discharge_c_max + 1e-9:
        found.append(
            f"{title}: {current_a:.2f} A out of a cell are {c_rate:.2f}C, more than the "
            f"{cell.discharge_c_max:.2f}C that the cell's datasheet allows; lower the current in "
            "the recipe."
        )
    if not cutoff_v >= cell.voltage.low:
        found.append(
            f"{title}: {cutoff_v:.3f} V is below the cell's own limit of "
            f"{cell.voltage.low:.3f} V; raise the cut-off."
        )
    return found


def _charged(title: str, current_a: float, voltage_v: float, cell: CellRatings) -> list[str]:
    """`current_a` into each cell, to `voltage_v`."""
    found, c_rate = [], current_a / cell.capacity_ah
    if not c_rate <= cell.charge_c_max + 1e-9:
        found.append(
            f"{title}: {current_a:.2f} A into a cell are {c_rate:.2f}C, more than the "
            f"{cell.charge_c_max:.2f}C that the cell's datasheet allows; lower the current in the "
            "recipe."
        )
    if not voltage_v <= cell.voltage.high:
        found.append(
            f"{title}: {voltage_v:.3f} V is above the cell's own limit of "
            f"{cell.voltage.high:.3f} V; lower the target."
        )
    return found
