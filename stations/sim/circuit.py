"""The physics of one simulated bench: cells, copper, supply and load, in process time.

Not for threads: the world around it holds a lock.  Supply and load hang on the same pair of leads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from stations.model.bank import Bank
from stations.model.bms import Bms
from stations.model.heat import Warmth
from stations.sim.output import Output
from stations.sim.sink import Sink
from stations.values import Setpoint

STEP_S = 1.0
_STEP_MIN_S = 1e-3
CURRENT_FLOWS_A = 0.005

Moved = Callable[[str, dict[str, bool | str]], None]
"""Told of each switch that moved: what it is, and how it stands now."""


class Impossible(Exception):
    """What the hands were asked to do can't be done on this table; the message says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One consistent look at the world.  Current is positive into the cells."""

    at_s: float
    speed: float
    output: Output
    sink: Sink
    terminal_v: float  # at the supply's terminals; 0 with the relay open
    battery_v: float  # what the open leads carry; 0 where they hang in the air
    current_a: float  # out of the supply
    drawn_a: float  # into the load
    regulation: str  # of the supply: "CC", "CV" or "" with the relay open
    cell_volts: tuple[float, ...]
    metered: int  # of the cell that the bank meter stands on, from 1; 0: the string, -1: on none
    metered_v: float
    meter_on_leads: bool  # laid together with the supply's leads, and on no cell with them
    cell_currents: tuple[float, ...]
    socs: tuple[float, ...]
    links: bool
    series: bool  # joined, as a string behind the BMS
    bms: Bms
    leads: bool
    alone: int  # the position of the only cell that the leads are on; 0: none, or the bank
    led: int | None  # the cell that the meter's probes are held on, 0: on none; None: in its place
    contactor: str  # "open", "closed", or "" where the plus lead has none
    charge_ah: float  # delivered since the output was last switched on
    energy_wh: float
    temperatures_c: tuple[float, ...]  # of the cells

    @property
    def bank_a(self) -> float:
        """Into the cells."""
        return self.current_a - self.drawn_a

    @property
    def current_flows(self) -> bool:
        return abs(self.current_a) > CURRENT_FLOWS_A or self.drawn_a > CURRENT_FLOWS_A


class Circuit:
    """All that current flows through.  What changes it wants `advance` to the moment before."""

    def __init__(
        self,
        bank: Bank,
        *,
        objection: str,
        output: Output,
        contactor: bool,
        temperature_c: float,
        at_s: float,
        moved: Moved,
    ) -> None:
        """`objection` says why these cells must never be joined; "" if they may.

        `contactor`: there is one between the supply and its plus lead, and it is open.
        """
        self.output = output
        self.contactor = "open" if contactor else ""
        self.routed: tuple[int, ...] = ()
        self.meter_on_leads = False  # laid together with the supply's, instead of on the cells
        self._bank = bank
        self._objection = objection
        self._sink = Sink()
        self._warmth = Warmth.of(len(bank.states), temperature_c)
        self._leads = bank.fed
        self._moved = moved
        self._at_s = at_s
        self._charge_ah = 0.0
        self._energy_wh = 0.0
        bank.fed = bank.fed and not contactor
        self._solution = bank.solve(output.supply)

    @property
    def drives(self) -> bool:
        """Whether supply or load is on, and the supply's contactor closed."""
        return (self.output.on and self.contactor != "open") or self._sink.on

    def seen(self, speed: float) -> Seen:
        solution = self._solution
        return Seen(
            at_s=self._at_s,
            speed=speed,
            output=self.output,
            sink=self._sink,
            terminal_v=_or_zero(solution.supply_voltage_v) if self.output.on else 0.0,
            battery_v=_or_zero(solution.supply_voltage_v) if self._bank.fed else 0.0,
            current_a=self._supplied_a(),
            drawn_a=self._drawn_a(),
            regulation=solution.regulation if self.output.on else "",
            cell_volts=tuple(solution.cell_v.tolist()),
            metered=self._metered(),
            metered_v=self._metered_v(),
            meter_on_leads=self.meter_on_leads,
            cell_currents=tuple(solution.current_a.tolist()),
            socs=tuple(self._bank.states.soc.tolist()),
            links=self._bank.linked,
            series=self._bank.linked and self._bank.series,
            bms=self._bank.bms,
            leads=self._leads,
            alone=self._bank.alone,
            led=self._bank.led,
            contactor=self.contactor,
            charge_ah=self._charge_ah,
            energy_wh=self._energy_wh,
            temperatures_c=tuple(self._warmth.cells_c.tolist()),
        )

    def advance(self, to_s: float) -> None:
        """In steps of at most a second of process time."""
        while (left_s := to_s - self._at_s) > _STEP_MIN_S:
            step_s = min(STEP_S, left_s)
            self.output = self.output.after(step_s)
            self._solution = self._bank.advance(step_s, self._drive())
            self._warmth.advance(
                step_s,
                current_a=self._solution.current_a,
                ohm=self._bank.states.resistance_ohm,
                capacity_ah=self._bank.states.capacity_ah,
            )
            self._at_s += step_s
            charge_ah = self._supplied_a() * step_s / 3600
            self._charge_ah += charge_ah
            self._energy_wh += charge_ah * _or_zero(self._solution.supply_voltage_v)
            self._trip_if_due()

    # Supply, load and contactor

    def adjust(self, change: Callable[[Output], Output]) -> None:
        self.output = change(self.output)
        self._settle()

    def switch(self, *, on: bool) -> None:
        """Move the output relay; switching on clears a trip."""
        if on and not self.output.on:
            self._charge_ah = self._energy_wh = 0.0
        self._move_relay(on=on, tripped="" if on else self.output.tripped)
        self._settle()

    def adjust_load(self, change: Callable[[Sink], Sink]) -> None:
        self._sink = change(self._sink)
        self._settle()

    def switch_load(self, *, on: bool) -> None:
        self._move_load(on=on)
        self._settle()

    def move_contactor(self, state: str) -> None:
        self._put_contactor(state)
        self._feed()

    def open_all(self) -> None:
        """Each switch off, without a last step of the physics: even where that has failed."""
        self._move_relay(on=False, tripped=self.output.tripped)
        if self.contactor == "closed":
            self._put_contactor("open")
        self._move_load(on=False)

    # Hands

    def connect(self, *, links: bool, leads: bool) -> None:
        """Links and leads on or off.  Raises Impossible."""
        if leads and not links:
            raise Impossible("the leads go on the joined bank: put the links on first")
        if links and self._objection:
            raise Impossible(self._objection)
        self._bank.series = False
        self._bank.linked = links
        if links:
            self._bank.led = None
        self._put_leads(on=leads)

    def connect_string(self, *, leads: bool) -> None:
        """The cells in series, BMS and meter on the string.  Raises Impossible."""
        if self._bank.linked and not self._bank.series:
            raise Impossible("the cells are in parallel: take the links off first")
        if len(self._solution.cell_v) < 2:
            raise Impossible("a string takes at least two cells")
        self._bank.series = self._bank.linked = True
        self._bank.led = None
        self._put_leads(on=leads)

    def connect_cell(self, position: int) -> None:
        """Leads and meter on one cell that lies alone.  Raises Impossible."""
        if self._bank.linked:
            raise Impossible("the cells are joined: take the links off first")
        if not 1 <= position <= len(self._solution.cell_v):
            raise Impossible(f"there is no cell {position} on this table")
        self._bank.led = None
        self._put_leads(on=True, alone=position)

    def route(self, cells: tuple[int, ...]) -> None:
        """As hands would put leads and meter on `cells`; not on any that are joined."""
        self.routed = cells
        if not self._bank.linked:
            self._put_leads(on=bool(cells), alone=(cells or (0,))[0], parted=not cells)

    def adjust_bms(self, change: Callable[[Bms], Bms]) -> None:
        self._bank.bms = change(self._bank.bms)
        self._settle()

    def warm(self, position: int, celsius: float) -> None:
        """A cell is brought to that temperature.  Raises Impossible."""
        if not 1 <= position <= len(self._warmth.cells_c):
            raise Impossible(f"there is no cell {position} on this table")
        self._warmth.cells_c[position - 1] = celsius

    def lead_meter(self, position: int | None) -> None:
        """The bank meter's probes on one cell, on none (0), or back in their place (None)."""
        if position is not None and not 0 <= position <= len(self._solution.cell_v):
            raise Impossible(f"there is no cell {position} on this table")
        self.meter_on_leads = False
        self._bank.led = position
        self._settle()

    def lay_meter(self) -> None:
        """The bank meter's probes on the supply's leads, whatever those are on."""
        self.meter_on_leads = True
        self._bank.led = None
        self._settle()

    def _metered(self) -> int:
        if self._bank.led is not None:
            return self._bank.led or -1
        if self.meter_on_leads and not self._leads:
            return -1
        if self._bank.linked and self._bank.series:
            return 0
        return self._bank.alone or len(self._solution.cell_v)

    def _metered_v(self) -> float:
        """On the leads: what the supply puts on them, where they are on no cell."""
        if not self.meter_on_leads or self._leads:
            return self._solution.far_end_v
        live = self.output.on and self.contactor != "open"
        return _or_zero(self._solution.supply_voltage_v) if live else 0.0

    def _put_leads(self, *, on: bool, alone: int = 0, parted: bool = False) -> None:
        self._leads, self._bank.alone, self._bank.parted = on, alone, parted
        self._feed()

    def _feed(self) -> None:
        """Current can reach the bank only through leads, and a closed contactor if any."""
        self._bank.fed = self._leads and self.contactor != "open"
        self._settle()

    def _settle(self) -> None:
        self._solution = self._bank.solve(self._drive())
        self._trip_if_due()

    def _drive(self) -> Setpoint | None:
        """What the bank meets at the ends of its leads.

        With both on, the load takes what it wants and the bank gets, or gives, the rest.
        """
        source = self.output.supply
        fed_v = self._solution.supply_voltage_v if self._bank.fed else 0.0
        sink = self._sink.drive(fed_v)
        if source is None or sink is None:
            return source or sink
        rest_a = source.current_a + sink.current_a
        return Setpoint(source.voltage_v if rest_a >= 0 else sink.voltage_v, rest_a)

    def _drawn_a(self) -> float:
        drive_a = -self._solution.supply_current_a
        if not self.output.on:
            return max(0.0, drive_a)
        sink = self._sink.drive(self._solution.supply_voltage_v if self._bank.fed else 0.0)
        return 0.0 if sink is None else -sink.current_a

    def _supplied_a(self) -> float:
        return self._solution.supply_current_a + self._drawn_a() if self.output.on else 0.0

    def _trip_if_due(self) -> None:
        terminal_v = _or_zero(self._solution.supply_voltage_v)
        tripped = self.output.trip(voltage_v=terminal_v, current_a=self._supplied_a())
        over = self._sink.is_over(terminal_v=terminal_v, at_s=self._at_s)
        if tripped:
            self._move_relay(on=False, tripped=tripped)
        if over:
            self._move_load(on=False)
        if tripped or over:
            self._solution = self._bank.solve(self._drive())

    def _move_relay(self, *, on: bool, tripped: str) -> None:
        moved = on != self.output.on
        self.output = replace(self.output, on=on, tripped=tripped)
        if moved:
            self._moved("relay", {"on": on} | ({"tripped": tripped} if tripped else {}))

    def _put_contactor(self, state: str) -> None:
        self.contactor = state
        self._moved("contactor", {"closed": state == "closed"})

    def _move_load(self, *, on: bool) -> None:
        moved = on != self._sink.on
        if moved:
            self._sink = replace(self._sink, on=on, since_s=self._at_s)
            self._moved("load", {"drawing": on})


def _or_zero(volts: float) -> float:
    """Volts where nothing may be connected: NaN from the model, 0 V on a real display."""
    return 0.0 if math.isnan(volts) else volts
