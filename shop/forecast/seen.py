"""A run's stored readings as columns, read once for everything that is asked of them."""

from __future__ import annotations

import numpy as np

from shop.jobs.models import Run
from shop.readings.chunks import Table
from shop.readings.columns import MILLIONTHS, Floats
from shop.readings.queries import column, stored_tables
from stations.planner.seen import Seen, less_zero, rested


def seen_of(run: Run) -> Seen | None:
    """None before the first reading is stored."""
    tables = [table for _, table in stored_tables(run)]
    if not tables:
        return None
    at_s = np.concatenate([table.values["at_us"] for table in tables]) / MILLIONTHS
    on = np.concatenate([_state(table, 0) for table in tables])
    cells = range(1, max(table.cells for table in tables) + 1)
    by_cell = np.array([column(tables, f"cell_{n}_uv") for n in cells])
    cells_v = by_cell.reshape(len(cells), len(at_s)).T
    return Seen(
        at_s=at_s,
        on=on,
        cv=np.concatenate([_state(table, 1) for table in tables]),
        current_a=less_zero(column(tables, "supply_current_ua"), on),
        voltage_v=column(tables, "voltage_uv"),
        supply_v=column(tables, "supply_voltage_uv"),
        cells_v=cells_v,
        rested_v=rested(on, cells_v),
    )


def _state(table: Table, which: int) -> Floats:
    """1 where the output was on (0), or where the supply said CV (1)."""
    of_code = [float(state[0]) if which == 0 else float(state[1] == "CV") for state in table.states]
    result: Floats = np.array(of_code)[table.values["state"]]
    return result
