"""A run's readings as columns, for everything that is asked of them: pure arithmetic.

Seconds since 1970 in process time, volts, amps; NaN where a channel gave nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stations.planner.tails import FLAT_FOR, Progress

Floats = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAMPLE_MAX_S = 60.0  # between two readings of one session; longer is a gap, and nothing flowed
TAIL_POINTS = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """A run's stored readings as columns, over all its attempts."""

    at_s: Floats
    on: Floats
    cv: Floats
    current_a: Floats  # less the ammeter's zero, as it was with the output off (B2)
    voltage_v: Floats
    supply_v: Floats
    cells_v: Floats  # a row per reading, a column per cell; NaN where a channel gave nothing
    rested_v: tuple[float, ...]  # of every cell before anything was switched on; () while unknown

    def progress(self, at_least_v: float) -> Progress:
        """As it is now; the bank is at its target from `at_least_v` on."""
        held = (self.cv > 0) & (self.on > 0) & (self.voltage_v >= at_least_v)
        others = np.flatnonzero(~held)
        first = int(others[-1]) + 1 if len(others) else 0
        is_held = first < len(held)
        return Progress(
            at=_time(self.at_s[-1]),
            cv_since=_time(self.at_s[first]) if is_held else None,
            tail=self._tail(first) if is_held else (),
        )

    @property
    def moved_ah(self) -> Floats:
        """Up to each reading, into the cells; in a gap between sessions nothing flowed."""
        steps_s = np.diff(self.at_s, prepend=self.at_s[:1])
        flows = (self.on > 0) & (steps_s <= SAMPLE_MAX_S)
        moved: Floats = np.cumsum(np.where(flows, _held(self.current_a) * steps_s, 0.0)) / 3600
        return moved

    @property
    def last_at(self) -> datetime:
        return _time(self.at_s[-1])

    def flowing(self) -> Seen:
        """Only the readings of a charge: output on, and the current into the cells."""
        return self.only((self.on > 0) & (self.current_a > 0))

    def since(self, began: datetime | None) -> Seen:
        """Only the readings from then on; all of them where nobody knows when it began."""
        begins_s = began.timestamp() if began else float(self.at_s[0])
        return self.only(np.asarray(self.at_s >= begins_s))

    def only(self, which: NDArray[np.bool_]) -> Seen:
        return replace(
            self,
            at_s=self.at_s[which],
            on=self.on[which],
            cv=self.cv[which],
            current_a=self.current_a[which],
            voltage_v=self.voltage_v[which],
            supply_v=self.supply_v[which],
            cells_v=self.cells_v[which],
        )

    def longest_tail(self, at_least_v: float) -> tuple[tuple[datetime, float], ...]:
        """The end of the longest hold at target: what a leak would keep from falling."""
        held = (self.on > 0) & (self.cv > 0) & (self.voltage_v >= at_least_v)
        edges = np.flatnonzero(np.diff(held.astype(int), prepend=0, append=0))
        if not len(edges):
            return ()
        begins, ends = edges[::2], edges[1::2]
        longest = int(np.argmax(self.at_s[ends - 1] - self.at_s[begins]))
        hold = slice(int(begins[longest]), int(ends[longest]))
        return self.only(np.isin(np.arange(len(held)), np.r_[hold]))._tail(0)

    def _tail(self, first: int) -> tuple[tuple[datetime, float], ...]:
        recent = self.at_s[-1] - FLAT_FOR.total_seconds()
        begin = max(first, int(np.searchsorted(self.at_s, recent)))
        every = max(1, (len(self.at_s) - begin) // TAIL_POINTS)
        kept = range(begin, len(self.at_s), every)
        return tuple((_time(self.at_s[i]), float(self.current_a[i])) for i in kept)


def less_zero(current_a: Floats, on: Floats) -> Floats:
    """The amps less the ammeter's zero, its median with the output off (B2)."""
    resting_a = current_a[(on == 0) & np.isfinite(current_a)]
    return current_a - float(np.median(resting_a)) if len(resting_a) else current_a


def rested(on: Floats, cells_v: Floats) -> tuple[float, ...]:
    """The first row with every cell seen, before anything was switched on; () for none."""
    before = np.flatnonzero(on)
    until = int(before[0]) if len(before) else len(on)
    whole = np.flatnonzero(np.isfinite(cells_v[:until]).all(axis=1))
    return tuple(cells_v[whole[0]].tolist()) if len(whole) else ()


def _held(current_a: Floats) -> Floats:
    """What no instrument gave is as it was before."""
    known = np.flatnonzero(np.isfinite(current_a))
    if not len(known):
        return np.zeros_like(current_a)
    at = np.searchsorted(known, np.arange(len(current_a)), side="right") - 1
    return np.where(at >= 0, current_a[known[np.maximum(at, 0)]], 0.0)


def _time(at_s: float) -> datetime:
    return EPOCH + timedelta(seconds=float(at_s))
