"""How long one load takes to empty cells one after the other (B9, F5): nobody's waits counted.

Down to the knee a discharge takes ampere-hours over amperes.  The end, where each current of a
taper meets the cut-off, is played on the model of one nominal cell: what a current leaves in it
depends on the one before.
"""

from __future__ import annotations

import math
from functools import lru_cache

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.planner.hours import Interval, between
from stations.planner.knowledge import CAPACITY_SHARE, Known
from stations.planner.whole import ENDS
from stations.procedures.discharging import RISING_V
from stations.procedures.steps import Discharge, Program, Rest
from stations.values import Draw, Setpoint

BELOW_KNEE = 0.30  # SOC where the end begins: what the current leaves builds up over an hour
STEP_S = 2.0
END_MAX_S = 48 * 3600.0  # a current that never meets its cut-off would play for ever


def emptying_hours(program: Program, capacity_ah: float, *, soc: float) -> float:
    """Of all discharges and rests of `program`, each cell from `soc` (0..1), in hours."""
    cells: dict[int, list[Discharge]] = {}
    rests_h = 0.0
    for step in program.steps:
        if isinstance(step, Discharge):
            cells.setdefault(step.cell, []).append(step)
        elif isinstance(step, Rest):
            rests_h += step.lasts.total_seconds() / 3600
    return rests_h + sum(_one(steps, capacity_ah, soc) for steps in cells.values())


def emptying_interval(program: Program, known: Known) -> Interval:
    """From the least charged and smallest that the cells may be to the fullest and largest."""
    soc = known.soc[0]
    sizes = (CAPACITY_SHARE.low, 1.0, CAPACITY_SHARE.high)
    hours = (
        emptying_hours(program, size * known.capacity_ah, soc=between(soc, share))
        for share, size in zip(ENDS, sizes, strict=True)
    )
    return Interval(*hours)


def _one(steps: list[Discharge], capacity_ah: float, soc: float) -> float:
    knee = min(soc, BELOW_KNEE)
    draws = tuple((step.draw, step.tail_a) for step in steps)
    end_h = _end(draws, steps[0].cutoff_v, capacity_ah, knee)
    return (soc - knee) * capacity_ah / steps[0].draw.current_a + end_h


@lru_cache(maxsize=64)
def _end(
    draws: tuple[tuple[Draw, float], ...], cutoff_v: float, capacity_ah: float, soc: float
) -> float:
    """Hours from `soc` to the last end, each draw in turn: to `cutoff_v`, or its hold's current."""
    bank = Bank([cell_of(capacity_ah)], Wiring(), soc=[soc], linked=False, fed=True)
    bank.alone = 1
    spent_s, left, last_v = 0.0, list(draws), math.inf
    while left and spent_s < END_MAX_S:
        draw, tail_a = left[0]
        held_v = draw.cutoff.voltage_v if draw.holds else 0.0
        seen = bank.advance(STEP_S, Setpoint(held_v, -draw.current_a))
        volt = float(seen.cell_v[0])
        spent_s += STEP_S
        if draw.holds:
            is_over = -seen.supply_current_a <= tail_a
        else:
            is_over = volt <= cutoff_v and volt <= last_v + RISING_V
        if is_over:
            left.pop(0)
        last_v = volt
    return spent_s / 3600
