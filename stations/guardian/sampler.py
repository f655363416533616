"""One sample at a time: every instrument read in parallel, put together with its doubts.

A sample is done when every instrument has answered or failed, or when its time is up; whoever
is still busy then was silent.  Samples never overlap, and one that an output command overtook
is dropped: it would mix values from before and after.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, cast

from stations.clock import guard_s
from stations.drivers.protocols import (
    BadReply,
    LoadState,
    Measured,
    SupplyState,
    Temperatures,
)
from stations.guardian.bms import BmsRead
from stations.guardian.lane import READ, Answer, Lane
from stations.guardian.switched import ReadBack
from stations.values import NAN, Reading, Window

SWITCHED = ("supply", "load")
ROLES = (*SWITCHED, "meter", "scanner", "thermometer")
STRING_ROLES = (*ROLES, "bms")  # the BMS is asked only while cells are to be in series
# Of cells on a table in a shop: what a probe says beyond is no temperature of theirs.
PLAUSIBLE_C = Window(-30.0, 100.0)


@dataclass(slots=True)
class Sample:
    """What has been heard so far; `heard` holds values, `doubts` flags."""

    began_s: float
    pending: set[str]
    heard: dict[str, Any] = field(default_factory=dict)
    doubts: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    oldest_s: float = math.inf  # guard time at which the oldest answer was asked for

    @property
    def supply(self) -> ReadBack[SupplyState] | None:
        return cast("ReadBack[SupplyState] | None", self.heard.get("supply"))

    @property
    def load(self) -> ReadBack[LoadState] | None:
        return cast("ReadBack[LoadState] | None", self.heard.get("load"))

    @property
    def found_on(self) -> tuple[str, ...]:
        """Which of supply and load said that they are on."""
        return tuple(r for r in SWITCHED if r in self.heard and self.heard[r].state.output_on)

    @property
    def current_a(self) -> float:
        """Into the cells, as far as it was heard."""
        charged = self.supply.state.current_a if self.supply else 0.0
        return charged - (self.load.state.drawn_a if self.load else 0.0)

    @property
    def bms(self) -> BmsRead | None:
        return cast("BmsRead | None", self.heard.get("bms"))

    def measured(self, role: str) -> Measured | None:
        return cast("Measured | None", self.heard.get(role))

    @property
    def temperatures(self) -> Temperatures | None:
        return cast("Temperatures | None", self.heard.get("thermometer"))

    @property
    def raw(self) -> dict[str, str]:
        """Raw replies by role; a silent instrument has none."""
        raws = {r: self.heard[r].raw for r in STRING_ROLES if r in self.heard and r not in SWITCHED}
        return raws | {r: self.heard[r].state.raw for r in SWITCHED if r in self.heard}


class Sampler:
    """Asks the lanes for samples; `finished` gets each one, in the guardian's loop."""

    def __init__(
        self, lanes: Mapping[str, Lane[Any]], limit_s: float, finished: Callable[[Sample], None]
    ) -> None:
        self._lanes = lanes
        self._limit_s = limit_s
        self._finished = finished
        self._sample: Sample | None = None
        self._overdue: set[str] = set()

    @property
    def busy(self) -> bool:
        return self._sample is not None

    def begin(self, roles: Sequence[str]) -> None:
        """Start a sample of `roles`; a lane that let the last one's time run out and has not
        answered since is silent again, and is not asked once more.
        """
        sample = Sample(began_s=guard_s(), pending=set(roles))
        self._sample = sample
        for role in roles:
            lane = self._lanes[role]
            if role in self._overdue and lane.waiting:
                self._silent(sample, role, "still no answer to the sample before")
            else:
                self._overdue.discard(role)
                lane.submit(READ, _reader(role), partial(self._got, sample, role))
        self._complete(sample)

    def drop(self) -> None:
        self._sample = None

    def due_s(self) -> float:
        return self._sample.began_s + self._limit_s if self._sample else math.inf

    def tick(self, now_s: float) -> None:
        sample = self._sample
        if sample is not None and now_s >= self.due_s():
            for role in tuple(sample.pending):
                self._silent(sample, role, f"no answer within {self._limit_s:g} s")
                self._overdue.add(role)
            self._complete(sample)

    def _got(self, sample: Sample, role: str, answer: Answer) -> None:
        if sample is not self._sample:
            return  # dropped, or its time was up
        sample.pending.discard(role)
        sample.oldest_s = min(sample.oldest_s, answer.began_s)
        if answer.error is None:
            sample.heard[role] = answer.value
        else:
            kind = "invalid" if isinstance(answer.error, BadReply) else "silent"
            sample.doubts.add(f"{role}_{kind}")
            sample.errors[role] = str(answer.error)
        self._complete(sample)

    def _silent(self, sample: Sample, role: str, words: str) -> None:
        sample.pending.discard(role)
        sample.doubts.add(f"{role}_silent")
        sample.errors[role] = words

    def _complete(self, sample: Sample) -> None:
        if not sample.pending:
            self._sample = None
            self._finished(sample)


def _reader(role: str) -> Callable[[Any], Any]:
    if role in SWITCHED:
        return lambda hand: hand.read()
    return lambda device: device.measure()


def reading_of(
    sample: Sample,
    *,
    seq: int,
    at: datetime,
    received_at: datetime,
    now_s: float,
    expected_on: bool,
    cells: int,
    stuck: frozenset[str],
    occupied: int = 0,
    probes: int = 0,
    driven: str = "supply",
    cells_by: str = "scanner",
) -> Reading:
    """The sample as a Reading: what is missing is NaN and has its flag.  Pure.

    `cells` is how many channels the scanner has, 0 without one; `occupied` says how many of
    them, from the first, have a cell on them (0: all): what open wires show is nothing.
    `probes` is how many the thermometer has, 0 without one; one that lies on no cell is not told.
    `stuck` are flags that only more than one sample can show.  `driven` is whose volts and amps
    are told: the supply's, or the load's, whose current is below 0.  Its output is taken to be
    what was asked where it is silent.  `cells_by` is who tells the cells: "bms" in a string that
    the scanner does not see, "nobody" where none is seen.
    """
    flags = set(sample.doubts) | stuck
    meter_v = _volts(sample, "meter", 1, flags)[0]
    if cells_by == "bms":
        cell_volts = _told_by_bms(sample, occupied, flags)
    elif cells_by == "nobody":
        cell_volts = ()
    else:
        cell_volts = _volts(sample, "scanner", cells, flags, occupied or cells) if cells else ()
    celsius = _celsius(sample, min(probes, occupied or cells or probes), flags)
    output_on, volts, amps, regulation = _output(sample, driven, flags, expected_on=expected_on)
    return Reading(
        seq=seq,
        at=at,
        received_at=received_at,
        age_s=max(0.0, now_s - min(sample.oldest_s, now_s)),
        output_on=output_on,
        voltage_v=meter_v,
        supply_voltage_v=volts,
        supply_current_a=amps,
        cell_voltages_v=cell_volts,
        temperature_c=max((c for c in celsius if math.isfinite(c)), default=NAN),
        regulation=regulation,
        flags=frozenset(flags),
        bms=sample.bms.seen if sample.bms else None,
        temperatures_c=celsius,
    )


def _told_by_bms(sample: Sample, wanted: int, flags: set[str]) -> tuple[float, ...]:
    """Of each cell in series; a BMS that sees another number of them is on another string."""
    if sample.bms is None:
        if "bms_invalid" not in flags:
            flags.add("bms_silent")
        return (NAN,) * wanted
    volts = sample.bms.state.cell_volts
    if len(volts) != wanted:
        flags.add("bms_invalid")
        return (NAN,) * wanted
    return volts


def _volts(
    sample: Sample, role: str, count: int, flags: set[str], wanted: int = 1
) -> tuple[float, ...]:
    """The first `wanted` of `count` values."""
    measured = sample.measured(role)
    if measured is None:
        if f"{role}_invalid" not in flags:
            flags.add(f"{role}_silent")
        return (NAN,) * wanted
    volts = measured.volts[:wanted] if len(measured.volts) == count else (NAN,) * wanted
    if not all(math.isfinite(v) for v in volts):
        flags.add(f"{role}_invalid")
    return volts


def _celsius(sample: Sample, wanted: int, flags: set[str]) -> tuple[float, ...]:
    """Of the first `wanted` probes; a lost probe, or what no cell here can have, is a doubt."""
    if not wanted:
        return ()
    told = sample.temperatures
    if told is None:
        if "thermometer_invalid" not in flags:
            flags.add("thermometer_silent")
        return (NAN,) * wanted
    celsius = tuple(c if PLAUSIBLE_C.contains(c) else NAN for c in told.celsius[:wanted])
    if len(celsius) != wanted or not all(math.isfinite(c) for c in celsius):
        flags.add("thermometer_invalid")
    return celsius + (NAN,) * (wanted - len(celsius))


def _output(
    sample: Sample, role: str, flags: set[str], *, expected_on: bool
) -> tuple[bool, float, float, str]:
    """On or off, volts, amps into the cells and regulation of the one that is driven."""
    read = sample.load if role == "load" else sample.supply
    if read is None:
        flags |= set() if f"{role}_invalid" in flags else {f"{role}_silent"}
        return expected_on, NAN, NAN, ""
    state = read.state
    if expected_on and not read.as_set:
        flags.add(f"{role}_setpoint")
    if expected_on and not read.protected:
        flags.add(f"{role}_protection")
    if expected_on and not state.output_on and state.tripped:
        flags.add(f"{role}_tripped_{state.tripped.lower()}")
    amps = -state.drawn_a if isinstance(state, LoadState) else state.current_a
    return state.output_on, state.voltage_v, amps, state.regulation if state.output_on else ""
