"""Cells on a table: joined in parallel and fed, in series behind a BMS, or each alone.

What hangs on the leads regulates the voltage at its own terminals or the current, and the leads
lie between its terminals and the bank.  A supply only sources; a load is a set-point with a
negative current, which draws that much until the voltage has fallen to the set one.  At every
instant the whole network is solved exactly for the present states; the currents then hold for
one short step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from stations.model.bms import Bms
from stations.model.cell import CellParameters
from stations.model.network import Ladder, Network, Star
from stations.model.ocv import Floats
from stations.model.states import CellStates
from stations.values import NAN, Setpoint

STEP_PLATEAU_S = 10.0
# Near an end clean links equalise two cells within 2-3 s, and a surge changes as fast.
STEP_NEAR_END_S = 1.0
SURGE_C = 0.5


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the cells hang together.  `lead_ohm` is both leads together.

    Star: `link_ohm` is each cell's own path to the common point.  Ladder: from each cell to the
    next, on each of two busbars; `diagonal` takes minus from the far end.  `contact_ohm` adds a
    bad contact to single cells, by position.  In series there is a link and a contact to each.
    """

    layout: Literal["star", "ladder"] = "star"
    link_ohm: float = 0.3e-3
    lead_ohm: float = 5e-3
    diagonal: bool = True
    contact_ohm: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    """What every meter on the table would show at one instant.

    `current_a` is by cell, into its plus post as wired; `cell_v` at its posts (a reversed cell
    is negative).  The supply's terminal voltage is NaN where nothing drives it.
    """

    current_a: Floats
    cell_v: Floats
    supply_voltage_v: float
    supply_current_a: float
    regulation: str  # "CC", "CV", or "" with the output off
    metered: int | None = -1  # index of the cell that the bank meter stands on; None: on nothing
    string_v: float = NAN  # in series: from the first cell's minus to the last one's plus

    @property
    def far_end_v(self) -> float:
        """What the bank meter stands on: the whole string, or the posts of the cell alone on the
        leads, else of the last, far from the plus lead; its own 10 MΩ take open leads to 0 V."""
        if not math.isnan(self.string_v):
            return self.string_v
        if self.metered is None:
            return 0.0
        return float(self.cell_v[self.metered])


class _Shared(NamedTuple):
    """The currents of one instant, before anything is worked out for meters."""

    current_a: Floats
    supply_voltage_v: float
    supply_current_a: float
    regulation: str
    string_v: float = NAN


class Bank:
    """Cells, their wiring, and whether links and leads are on; time passes only by `advance`.

    `led`: the cell that a person holds the bank meter's probes on, by its position, 0 where they
    hang in the air; None: the meter is in its place.

    `linked`: the cells are joined, in parallel, or in `series` behind `bms`, which sits between
    the string and the minus lead.  `fed`: the supply's leads are on the bank; they can carry
    current only while it is linked, or on the one cell that is `alone` on them, by its position
    (0: none).  `parted`: a router has taken leads and meter off every cell.  All may be changed
    between calls.
    """

    def __init__(
        self,
        cells: Sequence[CellParameters],
        wiring: Wiring | None = None,
        *,
        soc: Sequence[float],
        reversed_positions: frozenset[int] = frozenset(),
        linked: bool = True,
        fed: bool = True,
    ) -> None:
        """Positions count from 1.  The cells start rested."""
        self.states = CellStates(cells, soc)
        self.linked = linked
        self.fed = fed
        self.alone = 0
        self.parted = False
        self.led: int | None = None
        self.series = False
        self.bms = Bms()
        n = len(self.states)
        self._sign = np.array([-1.0 if i + 1 in reversed_positions else 1.0 for i in range(n)])
        self._all_upright = not reversed_positions
        self._known: _Shared | None = None
        self._known_for: tuple[object, ...] = ()
        self.wiring = wiring or Wiring()

    @property
    def wiring(self) -> Wiring:
        return self._wiring

    @wiring.setter
    def wiring(self, wiring: Wiring) -> None:
        n = len(self.states)
        contacts = np.array(wiring.contact_ohm or (0.0,) * n)
        if len(contacts) != n:
            raise ValueError(f"{len(contacts)} contact resistances for {n} cells")
        self._wiring = wiring
        self._known = None
        self._string_ohm = float(np.sum(contacts)) + n * wiring.link_ohm
        self._network: Network
        if wiring.layout == "star":
            self._network = Star()
            self._path_ohm = contacts + wiring.link_ohm
        else:
            self._network = Ladder(n, wiring.link_ohm, wiring.diagonal)
            self._path_ohm = contacts

    def solve(self, supply: Setpoint | None) -> Solution:
        """Currents and voltages now; `supply` is None with the output off.  No time passes."""
        shared = self._share(supply)
        cell_v = self._emf_v() + self.states.resistance_ohm * shared.current_a
        return Solution(
            shared.current_a,
            cell_v,
            shared.supply_voltage_v,
            shared.supply_current_a,
            shared.regulation,
            self._metered(),
            shared.string_v if self.led is None else NAN,
        )

    def _metered(self) -> int | None:
        """Index of the cell that the bank meter stands on."""
        if self.led is not None:
            return self.led - 1 if self.led else None
        return None if self.parted else self.alone - 1

    def advance(self, seconds: float, supply: Setpoint | None) -> Solution:
        """Let time pass in steps short enough for where the cells are; the solution after it."""
        remaining = seconds
        while remaining > 1e-9:
            current_a = self._share(supply).current_a
            dt = remaining
            if dt > STEP_NEAR_END_S:
                dt = min(dt, self._step_s(current_a))
            self._move(dt, current_a)
            remaining -= dt
        return self.solve(supply)

    def step(self, dt_s: float, supply: Setpoint | None) -> Solution:
        """One step of `dt_s` under the currents of its beginning, which are returned."""
        solution = self.solve(supply)
        self._move(dt_s, solution.current_a)
        return solution

    def _step_s(self, current_a: Floats) -> float:
        if not (self.linked or self.alone):
            return float("inf")  # no current: exact for any length
        states = self.states
        if states.is_near_an_end():
            return STEP_NEAR_END_S
        if np.any(np.absolute(current_a) > SURGE_C * states.capacity_ah):
            return STEP_NEAR_END_S
        return STEP_PLATEAU_S

    def _move(self, dt_s: float, current_a: Floats) -> None:
        inward = current_a if self._all_upright else current_a * self._sign
        if self.series:
            cell_v = self._emf_v() + self.states.resistance_ohm * current_a
            if self.bms.balance_a:
                inward = inward + self.bms.balances(cell_v)
            self.bms = self.bms.after(dt_s, float(cell_v.max()))
        self.states.advance(dt_s, inward)
        self._known = None

    def _emf_v(self) -> Floats:
        return self.states.emf_v if self._all_upright else self.states.emf_v * self._sign

    def _share(self, supply: Setpoint | None) -> _Shared:
        asked = (supply, self.linked, self.fed, self.alone, self.series and self.bms)
        if self._known is None or self._known_for != asked:
            self._known, self._known_for = self._work_out(supply), asked
        return self._known

    def _work_out(self, supply: Setpoint | None) -> _Shared:
        if self.alone:
            return self._one(self.alone - 1, supply)
        if not self.linked:
            terminals = NAN if supply is None else supply.voltage_v
            regulation = "" if supply is None else "CV"
            return _Shared(np.zeros(len(self.states)), terminals, 0.0, regulation)
        if self.series:
            return self._string(supply)
        emf = self._emf_v()
        branch_ohm = self.states.resistance_ohm + self._path_ohm
        line = self._network.respond(emf, branch_ohm)
        current, regulation = self._supplied(line.feed_v, line.feed_ohm, supply)
        current_a: Floats = (line.branch_v + line.branch_ohm * current - emf) / branch_ohm
        terminals = line.feed_v + (line.feed_ohm + self._wiring.lead_ohm) * current
        if not self.fed:
            terminals = NAN if supply is None else supply.voltage_v
        return _Shared(current_a, terminals, current, regulation)

    def _one(self, index: int, supply: Setpoint | None) -> _Shared:
        """The leads on the posts of one cell, no link anywhere."""
        emf_v, ohm = float(self._emf_v()[index]), float(self.states.resistance_ohm[index])
        current, regulation = self._supplied(emf_v, ohm, supply)
        current_a = np.zeros(len(self.states))
        current_a[index] = current
        terminals = emf_v + (ohm + self._wiring.lead_ohm) * current
        if not self.fed:
            terminals = NAN if supply is None else supply.voltage_v
        return _Shared(current_a, terminals, current, regulation)

    def _string(self, supply: Setpoint | None) -> _Shared:
        """One current through all; none goes in while the BMS is open."""
        emf_v = float(self._emf_v().sum())
        ohm = float(self.states.resistance_ohm.sum()) + self._string_ohm
        through_ohm = ohm + self.bms.path_ohm
        current, regulation = self._supplied(emf_v, through_ohm, supply)
        blocked = self.bms.charge_open and current > 0
        if blocked:
            current, regulation = 0.0, "CV"
        terminals = emf_v + (through_ohm + self._wiring.lead_ohm) * current
        if supply is not None and (blocked or not self.fed):
            terminals = supply.voltage_v
        elif not self.fed:
            terminals = NAN
        current_a = np.full(len(self.states), current)
        return _Shared(current_a, terminals, current, regulation, emf_v + ohm * current)

    def _supplied(
        self, feed_v: float, feed_ohm: float, supply: Setpoint | None
    ) -> tuple[float, str]:
        if supply is None:
            return 0.0, ""
        if not self.fed:
            return 0.0, "CV"
        ohm = feed_ohm + self._wiring.lead_ohm
        until_voltage_a = (supply.voltage_v - feed_v) / ohm
        if supply.current_a < 0:
            if until_voltage_a <= supply.current_a:
                return supply.current_a, "CC"
            return min(0.0, until_voltage_a), "CV"
        if until_voltage_a >= supply.current_a:
            return supply.current_a, "CC"
        return max(0.0, until_voltage_a), "CV"
