"""Cells that are driven one by one: whose turn it is, and which readings are about it.

For cells that are charged alone (B12, B17) and for those that are emptied (B9).

Pure.  A step with a `cell` is about that one alone: it is on the leads and the bank meter stands
on it, while the scanner sees all that lie on the table.
"""

from __future__ import annotations

from dataclasses import replace

from stations.procedures.state import Run
from stations.procedures.steps import OfCell, Step
from stations.values import NAN, Reading, Window


def seen(step: OfCell, reading: Reading) -> tuple[float, ...]:
    """Volts on the scanner of the cells that the step is about; empty without a scanner."""
    volts, place = reading.cell_voltages_v, step.place
    return volts[place - 1 : place] if place else volts


def with_turn(run: Run, step: Step) -> Run:
    """The run as the step finds it: with another cell the account of what it was begins anew."""
    cell = step.cell if isinstance(step, OfCell) else 0
    if cell in (0, run.cell) or not run.rested_alone:
        return run
    rested_v, least_ah = run.rested_alone[cell - 1]
    return replace(
        run,
        cell=cell,
        rested=Window(rested_v, rested_v),
        last_on_v=NAN,
        least_charge_ah=least_ah,
        least_from_ah=run.charge_ah,
        alarms=(),
        interruptions=(),
    )
