"""Cells on the model, led through what a run has measured: where they may stand by now.  Pure.

Many possible cells begin at the states of charge and with the hysteresis that the volts at rest
allow.  Each takes the very current that flowed; one whose volts leave what was measured is struck
out.  Where none is left, above all near full and near empty, the volts themselves say the state
of charge: there they are steep.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stations.model.cell import HYSTERESIS_SOC, HYSTERESIS_V, CellParameters
from stations.model.ocv import OCV_GRID_V, SOC_GRID, Floats, ocv_v
from stations.model.states import CellStates
from stations.planner.hours import Setting, between, cell_with
from stations.planner.knowledge import SOC_UNKNOWN, soc_of_rested
from stations.planner.seen import Seen

MOMENTS, MOMENT_MIN_S = 720, 30.0  # into which a run is cut
# Volts under current tell SOC to what the curve itself is good for, and a fifth of the rise.
CURVE_V, RISE_SHARE = 0.004, 0.2
STEADY_SHARE = 0.05  # of the current, from one moment to the next: what changed still settles
KEPT_MIN = 8  # possible cells; fewer are no window any more
_NOMINAL = CellParameters()
INSIDE = (_NOMINAL.r0_ohm + _NOMINAL.r1_ohm + _NOMINAL.r2_ohm) / _NOMINAL.r0_ohm
SOC_MAX = 1.002


@dataclass(frozen=True, slots=True)
class Possible:
    """Where the units may stand, all at once; `above_v` is what the meter shows more than that."""

    states: CellStates
    setting: Setting
    above_v: float = 0.0


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where each of `units` may stand: as many columns of `states` each as there are settings.

    A unit is a bank, taken as one large cell, a cell alone on the leads, or a cell of a string.
    """

    states: CellStates
    kept: NDArray[np.bool_]  # of each column, whether nothing speaks against it
    above_v: Floats  # of each column, by how much the meter shows more than it
    settings: tuple[Setting, ...]

    @property
    def units(self) -> int:
        return len(self.states) // len(self.settings)

    def spread(self, count: int, *, draws: bool) -> list[Possible]:
        """`count` of them, all units alike, from the least to the most charge still to be moved."""
        of_units = [self._ordered(unit, draws=draws) for unit in range(self.units)]
        found = []
        for turn in range(count):
            columns = [kept[int(_share(turn, count) * len(kept))] for kept in of_units]
            setting = self.settings[columns[0] % len(self.settings)]
            above_v = float(self.above_v[columns[0]]) if len(columns) == 1 else 0.0
            found.append(Possible(self.states.some(columns), setting, above_v))
        return found

    def _ordered(self, unit: int, *, draws: bool) -> list[int]:
        begins = unit * len(self.settings)
        own = range(begins, begins + len(self.settings))
        states = self.states
        share = states.soc if draws else 1.0 - states.soc
        ahead = share * states.capacity_ah
        return sorted((i for i in own if self.kept[i]), key=lambda i: float(ahead[i]))


@dataclass(frozen=True, slots=True)
class _Moment:
    """So many seconds at this current; the volts at its end, NaN where they say nothing yet."""

    seconds: float
    current_a: float
    volts: Floats
    seen_a: float


def followed(
    seen: Seen, capacity_ah: float, settings: Sequence[Setting], *, in_series: bool
) -> Cloud | None:
    """Through all of `seen`, which begins before any current; None where no volts were read.

    `capacity_ah` of one unit: of the whole bank where cells are joined.
    """
    volts = seen.cells_v if in_series else seen.voltage_v[:, np.newaxis]
    if not np.isfinite(volts).any() or not volts.shape[1]:
        return None
    flowed = np.flatnonzero(seen.on)
    until = int(flowed[0]) if len(flowed) else len(seen.on)
    cloud = _resting(_last(volts[:until]), capacity_ah, settings)
    states, kept, above_v = cloud.states, cloud.kept, cloud.above_v
    shares = np.tile([_share(i, len(settings)) for i in range(len(settings))], cloud.units)
    for moment in _moments(seen, volts, max(0, until - 1)):
        states.advance(moment.seconds, np.full(len(states), moment.current_a))
        measured = np.repeat(moment.volts, len(settings))
        if np.isfinite(measured).all():
            kept = _judged(states, kept, shares, measured, moment.seen_a, len(settings))
            above_v = measured - states.emf_v - states.resistance_ohm * moment.seen_a
    return replace(cloud, kept=kept, above_v=above_v)


def states_at(
    soc: Sequence[float], rested_v: Sequence[float], cells: Sequence[CellParameters]
) -> CellStates:
    """Cells at rest, with the hysteresis that their volts leave to them; NaN: none is known."""
    states = CellStates(cells, soc)
    most_v = np.interp(states.soc, HYSTERESIS_SOC, HYSTERESIS_V)
    left_v = np.nan_to_num(np.asarray(rested_v) - ocv_v(states.soc))
    states.hysteresis_v[:] = np.clip(left_v, -most_v, most_v)
    states.refresh()
    return states


def _share(index: int, count: int) -> float:
    return (index + 0.5) / count


def _resting(rested_v: Floats, capacity_ah: float, settings: Sequence[Setting]) -> Cloud:
    soc, cells = [], []
    for volts in rested_v:
        window = soc_of_rested(float(volts)) if math.isfinite(volts) else SOC_UNKNOWN
        for i, setting in enumerate(settings):
            soc.append(between(window, _share(i, len(settings))))
            cells.append(cell_with(capacity_ah, setting))
    states = states_at(soc, np.repeat(rested_v, len(settings)).tolist(), cells)
    everyone = np.ones(len(states), dtype=bool)
    return Cloud(states, everyone, np.zeros(len(states)), tuple(settings))


def _last(volts: Floats) -> Floats:
    """Of each unit the last that was read; NaN for none."""
    found = np.full(volts.shape[1], np.nan)
    for unit in range(volts.shape[1]):
        read = volts[:, unit][np.isfinite(volts[:, unit])]
        found[unit] = read[-1] if len(read) else np.nan
    return found


def _moments(seen: Seen, volts: Floats, begins: int) -> Iterator[_Moment]:
    """From reading `begins` to the last one; in a gap between sessions nothing flows."""
    at_s, span_s = seen.at_s, float(seen.at_s[-1] - seen.at_s[begins])
    if not span_s > 0:
        return
    count = max(1, int(span_s / max(MOMENT_MIN_S, span_s / MOMENTS)))
    ends_s = np.linspace(float(at_s[begins]), float(at_s[-1]), count + 1)
    amps = np.diff(np.interp(ends_s, at_s, seen.moved_ah)) / (span_s / count) * 3600
    last = np.searchsorted(at_s, ends_s[1:], side="right") - 1
    for turn in range(count):
        now, seconds = int(last[turn]), span_s / count
        around = amps[max(0, turn - 1) : turn + 1]
        seen_a = float(seen.current_a[now])
        change_a = float(np.abs(around - seen_a).max())
        tells = seen.on[now] > 0 and change_a <= STEADY_SHARE * abs(seen_a)
        read = volts[now] if tells else np.full(volts.shape[1], np.nan)
        yield _Moment(seconds, float(amps[turn]), read, seen_a)


def _judged(
    states: CellStates,
    kept: NDArray[np.bool_],
    shares: Floats,
    measured: Floats,
    current_a: float,
    count: int,
) -> NDArray[np.bool_]:
    """Which are left; a unit that has too few is set anew to where its volts allow."""
    shown_v = states.emf_v + states.resistance_ohm * current_a
    margin_v = CURVE_V + RISE_SHARE * INSIDE * abs(current_a) * states.resistance_ohm
    kept = kept & (np.absolute(measured - shown_v) <= margin_v)
    lost = np.repeat(kept.reshape(-1, count).sum(axis=1) < KEPT_MIN, count)
    if lost.any():
        above_v = shown_v - ocv_v(states.surface_soc)
        level_v = measured + margin_v * (2.0 * shares - 1.0) - above_v
        moved = np.interp(level_v, OCV_GRID_V, SOC_GRID) - states.surface_soc
        soc = np.clip(states.soc + moved, 0.0, SOC_MAX)
        states.soc[lost] = soc[lost]
        states.refresh()
        kept = kept | lost
    return kept
