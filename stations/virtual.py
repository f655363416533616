"""A bench with the cell model behind it: no sockets, no wall clock, hours in seconds.

The runner cannot tell it from a guardian.  Its clock is pushed by its own sampling, so virtual
time is both process and wall time.  A person is a script: what is done at the table, and what
is confirmed, so long after the program enters a step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from stations.bench import BenchError
from stations.model.bank import Bank, Solution
from stations.model.heat import Warmth
from stations.values import NAN, Draw, Event, OffProof, Protection, Reading, Setpoint
from stations.virtual_instruments import Displays, Instruments

STARTED_AT = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)  # any moment will do
HAND_METER, BANK_METER = "HAND-1", "METER-1"
ROOM_C = 25.0
OFF_SAMPLE_S = 1.0  # with the output off a simulated bench runs at 1x and samples each second


class VirtualClock:
    """Process time that moves only when it is pushed."""

    simulated = True
    speed = 1.0

    def __init__(self, started_at: datetime = STARTED_AT) -> None:
        self._now = started_at

    def now(self) -> datetime:
        return self._now

    def push(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError(f"process time cannot run back by {-seconds} s")
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does `after_s` of process time from when the program enters `on_step`.

    Hands: "join" puts links and leads on, "part" takes both off, "leads off" only the leads,
    "single" puts leads and meter on `cell` alone, "string" joins all in series behind the BMS,
    "probe" leads the bank meter to `cell`, 0: to none.
    Then a step is confirmed (`step`, or `on_step` itself), a stop is asked for, or `cell` is
    read with a hand-held meter, or scanned for the bench's own to be read.
    """

    on_step: str
    after_s: float
    hands: Literal["", "join", "part", "leads off", "single", "string", "probe"] = ""
    says: Literal["confirm", "stop", "read", "scan", ""] = "confirm"
    step: str = ""
    cell: int = 0
    answer: float | None = None  # typed where the step asks


def reads_by_hand(
    step: str, cells: Sequence[int], *, after_s: float, each_s: float
) -> tuple[Act, ...]:
    """A person goes from post to post, `each_s` for each cell."""
    return tuple(
        Act(step, after_s + turn * each_s, says="read", cell=cell)
        for turn, cell in enumerate(cells)
    )


def leads_meter(
    step: str, cells: Sequence[int], *, after_s: float, each_s: float
) -> tuple[Act, ...]:
    """A person lifts the bank meter's probes, puts them on the next cell and scans it."""
    return tuple(
        act
        for turn, cell in enumerate(cells)
        for began_s in [after_s + turn * each_s]
        for act in (
            Act(step, began_s, hands="probe", says=""),
            Act(step, began_s + 2.0, hands="probe", says="", cell=cell),
            Act(step, began_s + 3.0, says="scan", cell=cell),
        )
    )


# Someone who is at the bench whenever a parallel top balance asks for it.
ATTENTIVE = (
    Act("connect", 300.0, hands="join"),
    Act("finish", 60.0),
    Act("unlink", 120.0, hands="part"),
)
TAKES_OFF = Act("unlink", 60.0, hands="part")


def each_alone(cells: int, *, after_s: float = 60.0) -> tuple[Act, ...]:
    """Someone who puts leads and meter on one cell after the other, and takes them off again."""
    return tuple(
        act
        for n in range(1, cells + 1)
        for act in (
            Act(f"connect-{n}", after_s, hands="single", cell=n),
            Act(f"unlink-{n}", after_s, hands="part"),
        )
    )


class VirtualBench:
    """Implements `stations.bench.Bench` on a `Bank`, which tests may change as they like."""

    def __init__(
        self,
        bank: Bank,
        *,
        person: Sequence[Act] = ATTENTIVE,
        sample_s: float = 1.0,
        instruments: Instruments | None = None,
        clock: VirtualClock | None = None,
        seed: int = 0,
    ) -> None:
        """`sample_s` is process time between readings while the output is on.

        The bank is taken as it is: a run from the beginning wants `linked=False`.  Equal seeds
        give equal noise.
        """
        self.bank = bank
        self.clock = clock or VirtualClock()
        self.notes: list[tuple[datetime, str, Mapping[str, Any]]] = []
        self.output_on = False
        self._person = tuple(person)
        self._sample_s = sample_s
        self._instruments = instruments or Instruments()
        self._displays = Displays(self._instruments, seed)
        self._setpoint = Setpoint(0.0, 0.0)
        self._protection: Protection | None = None  # None: not configured since last off
        self._draw: Draw | None = None  # likewise, of the load
        self.warmth = Warmth.of(len(bank.states), ROOM_C)
        self._due: list[tuple[datetime, int, Act]] = []
        self._seq = 0
        self._acts = 0

    def next(self) -> Reading | Event:
        """The next event that is due, else a reading one sample later."""
        while self._due and self._due[0][0] <= self.clock.now():
            event = self._perform(self._due.pop(0)[2])
            if event is not None:
                return event
        seconds = self.sample_length_s()
        seen = self.bank.advance(seconds, self._drive())
        self.clock.push(seconds)
        if self._instruments.probes:
            states = self.bank.states
            self.warmth.advance(
                seconds,
                current_a=seen.current_a,
                ohm=states.resistance_ohm,
                capacity_ah=states.capacity_ah,
            )
        draw = self._draw
        if draw and not draw.holds and seen.supply_voltage_v < draw.cutoff.voltage_v:
            self.output_on = False  # the load's own cut-off
            seen = self.bank.solve(None)
        return self._reading(seen)

    def sample_length_s(self) -> float:
        """Process time to the next reading."""
        return self._sample_s if self.output_on else OFF_SAMPLE_S

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        if self.output_on:
            raise BenchError("the output is on; switch it off before configuring")
        self._apply(setpoint, protection)
        self._protection, self._draw = protection, None

    def configure_load(self, draw: Draw) -> None:
        if self.output_on:
            raise BenchError("the output is on; switch it off before configuring")
        self._protection, self._draw = None, draw

    def route(self, cell: int) -> datetime:
        if self.output_on:
            raise BenchError("the output is on; switch it off before the leads are moved")
        if not 0 <= cell <= self._instruments.routes:
            raise BenchError(f"there is no route to cell {cell} on this bench")
        self.bank.alone, self.bank.fed, self.bank.parted = cell, bool(cell), not cell
        self._protection = self._draw = None
        return self.clock.now()

    def arrived(self) -> Sequence[Reading | Event]:
        return ()

    def see_parted(self) -> None:
        """There is no contactor here that could weld."""

    def energise(self) -> datetime:
        if self._protection is None and self._draw is None:
            raise BenchError("not configured since the output was last off")
        self.output_on = True
        return self.clock.now()

    def adjust(self, setpoint: Setpoint) -> None:
        if not self.output_on or self._protection is None:
            raise BenchError("the output is off; configure and energise instead")
        self._apply(setpoint, self._protection)

    def off(self) -> OffProof:
        self.output_on = False
        self._protection = self._draw = None
        now = self.clock.now()
        return OffProof(at=now, received_at=now, supply_current_a=self._displays.amps(0.0))

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Keep the note; one that says a step was entered sets the person going."""
        now = self.clock.now()
        self.notes.append((now, kind, dict(data)))
        if kind == "step":
            for order, act in enumerate(self._person):
                if act.on_step == data.get("name"):
                    self._due.append((now + timedelta(seconds=act.after_s), order, act))
            self._due.sort(key=lambda due: due[:2])

    def _apply(self, setpoint: Setpoint, protection: Protection) -> None:
        """Take the set-point as the supply resolves it; protection must lie above it."""
        if not (setpoint.voltage_v < protection.ovp_v and setpoint.current_a < protection.ocp_a):
            raise BenchError(f"{setpoint} is not below {protection}")
        self._setpoint = self._instruments.resolved(setpoint)

    def _drive(self) -> Setpoint | None:
        """What the supply truly regulates to, or what the load draws."""
        if not self.output_on:
            return None
        if self._draw is not None:
            held_v = self._draw.cutoff.voltage_v if self._draw.holds else 0.0
            return Setpoint(held_v, -self._draw.current_a)
        return self._instruments.true(self._setpoint)

    def _perform(self, act: Act) -> Event | None:
        if act.hands == "probe":
            self.bank.led = act.cell
        elif act.hands:
            self.bank.led = self.bank.led if act.hands in ("part", "leads off") else None
            self.bank.series = act.hands == "string"
            self.bank.linked = act.hands in ("join", "leads off", "string")
            self.bank.fed = act.hands in ("join", "single", "string")
            self.bank.alone = act.cell if act.hands == "single" else 0
        now = self.clock.now()
        if act.says == "stop":
            self.off()
            return Event("stop", now, now, {"reason": "a person asked for a stop"})
        if act.says == "confirm":
            self._acts += 1
            data = {"id": self._acts, "kind": "confirm", "step": act.step or act.on_step}
            if act.answer is not None:
                data["answer"] = act.answer
            return Event("act", now, now, data)
        if act.says == "scan":
            self._acts += 1
            data = {"id": self._acts, "kind": "scan", "step": act.on_step, "cell": act.cell}
            return Event(
                "act", now, now, data | {"meter": BANK_METER, "scanned_at": now.isoformat()}
            )
        if act.says == "read":
            self._acts += 1
            data = {"id": self._acts, "kind": "reading", "step": act.on_step, "cell": act.cell}
            return Event("act", now, now, data | self._read_by_hand(act.cell, now))
        return None

    def _read_by_hand(self, cell: int, now: datetime) -> dict[str, Any]:
        seen = self.bank.solve(self._drive())
        shown_v = self._displays.by_hand_v(float(seen.cell_v[cell - 1]))
        return {"voltage_v": shown_v, "meter": HAND_METER, "taken_at": now.isoformat()}

    def _reading(self, seen: Solution) -> Reading:
        now, displays = self.clock.now(), self._displays
        self._seq += 1
        celsius = self.warmth.seen()[: self._instruments.probes]
        shown = self.output_on or math.isfinite(seen.supply_voltage_v)
        by_load = self._draw is not None and shown
        terminals_v, amps = displays.driven(seen, on=self.output_on, by_load=by_load)
        return Reading(
            seq=self._seq,
            at=now,
            received_at=now,
            age_s=0.0,
            output_on=self.output_on,
            voltage_v=displays.volts(seen.far_end_v),
            supply_voltage_v=terminals_v,
            supply_current_a=amps,
            cell_voltages_v=displays.cells(seen.cell_v, in_series=self.bank.series),
            temperature_c=max(celsius, default=NAN),
            regulation=seen.regulation,
            temperatures_c=celsius,
            bms=displays.bms(self.bank.bms) if self.bank.series else None,
        )
