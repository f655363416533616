"""How a program draws from a cell: the numbers that every discharge of it shares (B9, B16)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from stations.frozen import changed
from stations.procedures.criteria import Agreement
from stations.procedures.planned import in_steps
from stations.procedures.steps import Discharge
from stations.values import Cutoff, Draw, LoadRatings

NO_CURRENT = timedelta(seconds=15)  # of process time; a simulated bench samples every few seconds
PROVEN_SHARE = 0.95  # of the current that was asked for: a load that draws less is not proven on
# Of the current that a hold ends at, which takes minutes to halve: what draws less has come off.
HOLD_PROVEN_SHARE = 0.5
LOAD_AMPS_COUNTS = 5  # what the load's ammeter may show above its set-point
TIMER_MARGIN_S = 60.0  # the load's own timer ends a discharge that nobody ended at its time-out


class Draws(Protocol):
    """A recipe that discharges."""

    @property
    def cutoff_samples(self) -> int: ...
    @property
    def stop_below_v(self) -> float: ...
    @property
    def load_lead_max_ohm(self) -> float: ...
    @property
    def meter_agree_v(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a discharge must know of recipe, cell and load.  `lead_max_ohm` is both leads."""

    capacity_ah: float
    cutoff_v: float
    cutoff_samples: int
    floor_v: float  # never below, at the meter: the hard limit trips
    lead_max_ohm: float
    meter_agree_v: float
    load: LoadRatings

    @classmethod
    def of(
        cls, recipe: Draws, cutoff_v: float, *, capacity_ah: float, load: LoadRatings
    ) -> Drawing:
        return cls(
            capacity_ah=capacity_ah,
            cutoff_v=cutoff_v,
            cutoff_samples=recipe.cutoff_samples,
            floor_v=round(cutoff_v - recipe.stop_below_v, 6),
            lead_max_ohm=recipe.load_lead_max_ohm,
            meter_agree_v=recipe.meter_agree_v,
            load=load,
        )

    def current_a(self, c_rate: float) -> float:
        """At the load's resolution; never above the rate."""
        step_a = self.load.current_resolution_a
        return in_steps(c_rate * self.capacity_ah, step_a)

    def limit_a(self, c_rate: float) -> float:
        return 1.05 * self.current_a(c_rate) + LOAD_AMPS_COUNTS * self.load.current_resolution_a

    def hours_max(self, c_rate: float) -> float:
        """As long as a cell of a fifth more than its rating, within what the load times itself."""
        return min(1.2 / c_rate + 0.25, self._timed_h)

    @property
    def _timed_h(self) -> float:
        return (self.load.duration_max_s - TIMER_MARGIN_S) / 3600

    def own_cutoff_v(self, current_a: float) -> float:
        """At the load's terminals, so less what the leads may drop; it must not end the step."""
        return round(self.floor_v - self.lead_max_ohm * current_a, 3)

    def step(
        self,
        name: str,
        title: str,
        c_rate: float,
        *,
        alone: int = 0,
        cell: int = 0,
        tail_a: float = 0.0,
        hours_max: float = math.inf,
        gap_max: timedelta | None = None,
    ) -> Discharge:
        current_a, hours = self.current_a(c_rate), min(hours_max, self.hours_max(c_rate))
        own = Cutoff(self.own_cutoff_v(current_a), _timer_s(hours))
        return Discharge(
            name,
            title,
            draw=Draw(current_a, own),
            cutoff_v=self.cutoff_v,
            cutoff_samples=self.cutoff_samples,
            proven_on_a=PROVEN_SHARE * current_a,
            no_current_for=NO_CURRENT,
            draw_max_ah=1.2 * self.capacity_ah,
            timeout=timedelta(hours=hours),
            agreement=Agreement(
                cells_v=self.meter_agree_v,
                supply_v=self.load.voltage_accuracy_v + self.meter_agree_v,
                lead_max_ohm=self.lead_max_ohm,
            ),
            gap_max=gap_max,
            alone=alone,
            cell=cell,
            tail_a=tail_a,
        )

    def hold(
        self,
        name: str,
        title: str,
        c_rate: float,
        *,
        above_v: float,
        end_c: float,
        cell: int,
        hours_max: float,
    ) -> Discharge:
        """The load holds the cut-off until its current has fallen to `end_c`, at most `c_rate`.

        `above_v` is what its set-point lies above the cut-off, for what its voltmeter reads high.
        How long the tail takes is none of `c_rate`: only `hours_max` and the load's timer end it.
        """
        tail_a, step_v = self.current_a(end_c), self.load.voltage_resolution_v
        held_v = round(math.ceil((self.cutoff_v + above_v) / step_v - 1e-6) * step_v, 6)
        drawn = self.step(name, title, c_rate, cell=cell, tail_a=tail_a)
        hours = min(hours_max, self._timed_h)
        return changed(
            drawn,
            draw=Draw(drawn.draw.current_a, Cutoff(held_v, _timer_s(hours)), holds=True),
            proven_on_a=HOLD_PROVEN_SHARE * tail_a,
            timeout=timedelta(hours=hours),
        )


def _timer_s(hours: float) -> int:
    """Of the load itself, where nobody ended a step that may take so long."""
    return int(3600 * hours + TIMER_MARGIN_S)
