"""Hours of whole stretches, played from cells at rest: what nobody has measured yet.  Pure.

So what comes after a person's next act is foretold, and all of a program that no formula tells.
"""

from __future__ import annotations

from functools import lru_cache

from stations.planner.following import Possible, states_at
from stations.planner.hours import Interval, between, cell_with, spread
from stations.planner.knowledge import Known
from stations.planner.playing import charge_in, in_series, played_on
from stations.planner.stretches import Stretch, stretches
from stations.procedures.steps import Program
from stations.values import NAN

EVENLY = tuple((turn + 0.5) / 7 for turn in range(7))  # from the least charged on
ENDS = (0.1, 0.5, 0.9)  # where a play is long


@lru_cache(maxsize=64)
def whole_hours(
    program: Program,
    stretch: Stretch,
    known: Known,
    rested_v: tuple[float, ...],
    shares: tuple[float, ...] = EVENLY,
) -> tuple[float, ...]:
    """Once for each of `shares` of what is known of the charge; those that do not end lack.

    `known` are the cells of the stretch: a string, one cell, or one that stands for a bank.
    `rested_v` as they were measured at rest, NaN where nobody did.
    """
    found = []
    joined = joined_in(program, stretch)
    settings = spread(charge_in(stretch), known, len(shares))
    for share, setting in zip(shares, settings, strict=True):
        soc = [between(window, share) for window in known.soc]
        cell = cell_with(joined * known.capacity_ah, setting)
        states = states_at(soc, rested_v, [cell] * len(soc))
        hours = played_on(program, stretch, Possible(states, setting), joined)
        if hours is not None:
            found.append(hours[1])
    return tuple(found)


def string_hours(program: Program, known: Known, rested_v: float | None) -> Interval | None:
    """Of a program on one string; None where on the model it does not come to its end."""
    volts = (NAN if rested_v is None else rested_v,) * known.cells
    played = [whole_hours(program, one, known, volts, ENDS) for one in stretches(program)]
    if not played or not all(len(hours) == len(ENDS) for hours in played):
        return None
    return summed(*(Interval(*sorted(hours)) for hours in played))


def joined_in(program: Program, stretch: Stretch) -> int:
    """How many cells are one bank while current flows."""
    return 1 if stretch.cell or in_series(stretch) else program.cells


def summed(*parts: Interval) -> Interval:
    return Interval(
        sum(one.low for one in parts),
        sum(one.middle for one in parts),
        sum(one.high for one in parts),
    )
