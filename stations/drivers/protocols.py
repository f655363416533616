"""What an instrument must be able to do, in structural types of a few lines each.

A driver is thin: text or frames in, numbers out.  It refuses a value out of range and never
clips it, never retries a write, and raises the errors below.  It reads no clock and starts no
thread; one thread at a time calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stations.values import (
    BmsRatings,
    Cutoff,
    Identity,
    LoadRatings,
    MeterRatings,
    Protection,
    RelayRatings,
    Setpoint,
    SupplyRatings,
    ThermometerRatings,
)


class InstrumentError(Exception):
    """Base of every error of a driver; the message says what to do next."""


class InstrumentSilent(InstrumentError):
    """No answer within the time-out, or the link is gone."""


class BadReply(InstrumentError):
    """An answer that is not what the protocol allows; the raw reply is in the message."""


class Refused(InstrumentError):
    """The instrument answered with an error of its own, or kept another value than was set."""


class WrongInstrument(InstrumentError):
    """The identity is not the one expected, or a model this driver does not know."""


class OutOfRange(InstrumentError, ValueError):
    """A value beyond the instrument's rating; nothing was sent."""


@dataclass(frozen=True, slots=True)
class SupplyState:
    """One consistent read-back of a supply."""

    setpoint: Setpoint
    voltage_v: float
    current_a: float
    output_on: bool
    regulation: str  # "CC", "CV", or "" where the supply does not say
    tripped: str  # "" or "OVP", "OCP", "OPP", "OT" ...: why it switched itself off
    raw: str


@dataclass(frozen=True, slots=True)
class LoadState:
    """One read-back of a load.  `drawn_a` and `level_a` are out of the cells, never negative."""

    level_a: float  # the constant current that is set, or the limit of one that holds a voltage
    voltage_v: float
    drawn_a: float
    output_on: bool
    regulation: str
    tripped: str  # "" or what it complains of: "reverse", "OV", "OC", "OP", "OT", "sense"
    raw: str


@dataclass(frozen=True, slots=True)
class BmsState:
    """What a BMS says of its string, cells in order from the negative end.

    `current_a` is positive into the pack.  `protections` are the BMS's own reasons to be open.
    """

    cell_volts: tuple[float, ...]
    pack_voltage_v: float
    current_a: float
    temperatures_c: tuple[float, ...]  # NaN where a probe is missing
    charge_on: bool
    discharge_on: bool
    protections: frozenset[str]
    raw: str


@dataclass(frozen=True, slots=True)
class Temperatures:
    """By channel in channel order; NaN where there is no probe or no conversion."""

    celsius: tuple[float, ...]
    raw: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Volts by channel in channel order, with the raw reply; overload and NaN sentinels are NaN."""

    volts: tuple[float, ...]
    raw: str


@dataclass(frozen=True, slots=True)
class RelayState:
    """The channels of a relay board whose relays are closed, counted from 1."""

    closed: frozenset[int]
    raw: str


class Instrument(Protocol):
    def identify(self) -> Identity: ...

    def close(self) -> None: ...

    def reopen(self) -> None:
        """Drop the link and make it again, discarding anything late that was under way."""
        ...


class PowerSupply(Instrument, Protocol):
    """`may_repeat` is asked before a read that failed is sent again; replace it to be quick."""

    ratings: SupplyRatings
    may_repeat: Callable[[], bool]

    def prepare(self) -> None:
        """Check and set what must hold before any use (boot-power off, remote ...)."""
        ...

    def read(self) -> SupplyState: ...

    def protect(self, protection: Protection) -> None: ...

    def read_protection(self) -> Protection: ...

    def apply(self, setpoint: Setpoint) -> None: ...

    def output(self, on: bool) -> None: ...


class Voltmeter(Instrument, Protocol):
    ratings: MeterRatings

    def prepare(self) -> None: ...

    def measure(self) -> Measured: ...


class Scanner(Instrument, Protocol):
    ratings: MeterRatings

    def prepare(self) -> None: ...

    def measure(self) -> Measured: ...


class Relays(Instrument, Protocol):
    """A relay board whose channels close for a time only; `may_repeat` as of a PowerSupply."""

    ratings: RelayRatings
    may_repeat: Callable[[], bool]

    def prepare(self) -> None: ...

    def read(self) -> RelayState: ...

    def hold(self, channel: int, seconds: float) -> None:
        """Close a channel that opens by itself after `seconds`; again begins the time anew."""
        ...

    def release(self, channel: int) -> None:
        """Open a channel now; `read` tells whether it obeyed."""
        ...


class Load(Instrument, Protocol):
    """Draws a constant current until told to stop or until its own cut-off, whichever is first.

    Or holds a voltage, where its ratings say that it can.
    """

    ratings: LoadRatings
    may_repeat: Callable[[], bool]

    def prepare(self) -> None:
        """Off, under remote control, constant current."""
        ...

    def read(self) -> LoadState: ...

    def protect(self, cutoff: Cutoff) -> None: ...

    def read_protection(self) -> Cutoff: ...

    def apply(self, level_a: float) -> None: ...

    def hold(self, cutoff: Cutoff, limit_a: float) -> None:
        """Instead of `protect` and `apply`: constant voltage at the cut-off, at most `limit_a`."""
        ...

    def output(self, on: bool) -> None:
        """Refused until a cut-off was set over this connection."""
        ...


class Bms(Instrument, Protocol):
    ratings: BmsRatings

    def prepare(self) -> None: ...

    def read(self) -> BmsState: ...

    def cell_over_v(self) -> float:
        """Volts of a cell at which it stops charge, NaN where it does not tell; output off only."""
        ...


class Thermometer(Instrument, Protocol):
    ratings: ThermometerRatings

    def prepare(self) -> None: ...

    def measure(self) -> Temperatures: ...
