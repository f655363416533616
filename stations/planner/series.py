"""Hours of a series pre-charge, by formula: nothing shapes its end, for the first cell ends it.

T = Q (z_cv - z_max) / I: the string takes the ampere-hours that its fullest cell still lacks.
"""

from __future__ import annotations

from collections.abc import Sequence

from stations.planner.hours import Interval, between, knee
from stations.planner.knowledge import Known
from stations.procedures.steps import SeriesCharge


def lift(capacity_ah: float, soc: Sequence[float], amps: float) -> float:
    """By how much SOC every cell rises until the fullest comes to its voltage."""
    return max(0.0, knee(amps / capacity_ah) - max(soc))


def series_hours(charge: SeriesCharge, known: Known) -> Interval:
    """From the fullest end of what is known to the emptiest."""
    amps = charge.setpoint.current_a
    return Interval(*(_hours(known, amps, share) for share in (0.9, 0.5, 0.1)))


def _hours(known: Known, amps: float, share: float) -> float:
    soc = [between(window, share) for window in known.soc]
    return known.capacity_ah * lift(known.capacity_ah, soc, amps) / amps
