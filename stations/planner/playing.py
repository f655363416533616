"""A stretch of a program played on the model from cells as they are, in strides.  Pure.

A bank is one large cell here, for its cells share their volts: nothing in it then changes within
seconds, and the plateau passes in minutes at a time.
"""

from __future__ import annotations

from dataclasses import replace

from stations.model.bank import Bank, Solution, Wiring
from stations.model.bms import Bms
from stations.model.states import CellStates
from stations.planner.following import Possible
from stations.planner.hours import PERSON, played
from stations.planner.stretches import Stretch
from stations.procedures.steps import Charge, Discharge, Program, SeriesCharge
from stations.runner import begun, run
from stations.values import Setpoint, Window
from stations.virtual import VirtualBench
from stations.virtual_instruments import Instruments

PLATEAU = Window(0.10, 0.98)  # of every surface: here a stride is long
STRIDE_S, STRIDE_STEP_S = 120.0, 60.0
NEAR_S, STEEP_S = 30.0, 5.0  # between readings elsewhere; a draw and a string end steeply
NEAR_STEP_S = 5.0
REST_S = 10.0
OPENS_ABOVE_V = 0.020  # the string's BMS, above the target: the charge ends by its cells
STRUNG = (replace(PERSON[0], hands="string"), PERSON[1])


def in_series(stretch: Stretch) -> bool:
    """Whether its cells are a string while current flows."""
    return any(
        isinstance(one, SeriesCharge) or (isinstance(one, Discharge) and one.string is not None)
        for one in stretch.steps
    )


def charge_in(stretch: Stretch) -> Charge | None:
    """The one whose supply and offset count: the first."""
    return next((step for step in stretch.steps if isinstance(step, Charge)), None)


def played_on(
    program: Program, stretch: Stretch, possible: Possible, joined: int
) -> tuple[float, float] | None:
    """Hours of its first step, and of all; None where it would not come to its end.

    `possible` is a string, or a bank of `joined` cells as one.
    """
    bench = _bench(stretch, possible, joined)
    made = replace(played(program, stretch), cells=len(possible.states))
    outcome = run(begun(made, bench.clock.now()), bench)
    names = [step.name for step in stretch.steps]
    records = [done for done in outcome.run.records if done.step in names]
    cut = any(words in ("partial", "cut short") for done in records for words in done.remarks)
    if cut or len(records) != len(names):
        return None
    began = records[0].entered_at
    first, last = (records[i].ended_at - began for i in (0, -1))
    return first.total_seconds() / 3600, last.total_seconds() / 3600


def _bench(stretch: Stretch, possible: Possible, joined: int) -> _Strides:
    strung, states, setting = in_series(stretch), possible.states, possible.setting
    wiring = Wiring(link_ohm=setting.link_ohm / joined, lead_ohm=setting.leads_ohm)
    bank = _Lumped(states.cells, wiring, soc=states.soc.tolist(), linked=False, fed=False)
    bank.states = states
    targets = [step.target_v for step in stretch.steps if isinstance(step, SeriesCharge)]
    bank.bms = Bms(over_v=max(targets, default=0.0) + OPENS_ABOVE_V)
    charge = charge_in(stretch)
    drawn = any(isinstance(step, Discharge) for step in stretch.steps)
    # A curve that lies elsewhere than the model's, by the same at the meter and to the supply.
    supply = Instruments(has_bms=False, meter_offset_v=possible.above_v)
    if charge is not None:
        supply = replace(
            supply,
            supply_resolution_v=charge.trim.step_v,
            supply_offset_v=setting.supply_offset_v - possible.above_v,
        )
    return _Strides(
        bank,
        person=STRUNG if strung else PERSON,
        sample_s=STEEP_S if drawn or strung else NEAR_S,
        instruments=supply,
    )


def _is_far(states: CellStates) -> bool:
    """From either end."""
    surface = states.surface_soc
    return bool(PLATEAU.low <= surface.min() and surface.max() <= PLATEAU.high)


class _Lumped(Bank):
    """Cells between which nothing flows."""

    def advance(self, seconds: float, supply: Setpoint | None) -> Solution:
        remaining = seconds
        while remaining > 0:
            step_s = STRIDE_STEP_S if _is_far(self.states) else NEAR_STEP_S
            step_s = min(remaining, step_s if self.fed and supply else remaining)
            self.step(step_s, supply)
            remaining -= step_s
        return self.solve(supply)


class _Strides(VirtualBench):
    """It looks seldom where cells change slowly, and often near their ends."""

    def sample_length_s(self) -> float:
        if not self.output_on:
            return REST_S if self.bank.fed else 1.0
        return STRIDE_S if _is_far(self.bank.states) else super().sample_length_s()
