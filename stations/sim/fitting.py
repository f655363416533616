"""Which simulator plays the instrument of which driver, and on which kind of wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from stations.config import ConfigError, InstrumentConfig
from stations.drivers.registry import DRIVERS
from stations.sim import riden
from stations.sim.daq import Daq
from stations.sim.ea import Ea, EaPsi
from stations.sim.faults import Switchboard
from stations.sim.itech import Bk, Itech
from stations.sim.jbd import Jbd
from stations.sim.korad import Korad
from stations.sim.lines import LineServer
from stations.sim.noise import NoisyVoltmeter
from stations.sim.r4dcb08 import Logger
from stations.sim.relay_board import RelayBoard
from stations.sim.serial_port import SerialPort
from stations.sim.supply import SimulatedSupply
from stations.sim.truevolt import Truevolt
from stations.sim.world import World
from stations.sim.worldfile import WorldConfig

ADDRESS = re.compile(r"TCPIP\d*::(127\.0\.0\.1|localhost)::(\d+)::SOCKET")


class Server(Protocol):
    """One thread at one port."""

    def start(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """What an instrument can be connected to."""

    config: WorldConfig
    world: World
    faults: Switchboard


@dataclass(frozen=True, slots=True)
class Fitting:
    """`serial` is the grammar of the serial numbers that it can say, `example` one of them."""

    make: Callable[[InstrumentConfig, Place], Any]
    on_lan: bool
    serial: str
    example: str
    supply: type[SimulatedSupply] | None = None
    has_timers: bool = False  # it is a server of its own besides its wire


def _supply(kind: type[SimulatedSupply], *, on_lan: bool, serial: str, example: str) -> Fitting:
    def make(instrument: InstrumentConfig, place: Place) -> SimulatedSupply:
        flaws = place.config.supply
        return kind(instrument.serial_number, world=place.world, faults=place.faults, flaws=flaws)

    return Fitting(make, on_lan, serial, example, kind)


def _meter(instrument: InstrumentConfig, place: Place) -> Truevolt:
    flaws = place.config.meters
    voltmeter = NoisyVoltmeter(
        seed=place.config.seed, noise_v=flaws.noise_v, offset_v=flaws.meter_offset_v
    )
    return Truevolt(
        instrument.serial_number, world=place.world, faults=place.faults, voltmeter=voltmeter
    )


def _scanner(instrument: InstrumentConfig, place: Place) -> Daq:
    flaws = place.config.meters
    voltmeter = NoisyVoltmeter(
        seed=place.config.seed + 1, noise_v=flaws.noise_v, offset_v=flaws.scanner_offset_v
    )
    return Daq(
        instrument.serial_number,
        wired=instrument.channels,
        world=place.world,
        faults=place.faults,
        voltmeter=voltmeter,
    )


def _relay(instrument: InstrumentConfig, place: Place) -> RelayBoard:
    if instrument.role == "router":
        return RelayBoard(
            instrument.address,
            routes=instrument.channels,
            world=place.world,
            faults=place.faults,
        )
    return RelayBoard(
        instrument.address,
        contactor=instrument.channels[0],
        world=place.world,
        faults=place.faults,
    )


def _load(kind: type[Itech], instrument: InstrumentConfig, place: Place) -> Itech:
    return kind(instrument.serial_number, world=place.world, faults=place.faults)


def _bms(instrument: InstrumentConfig, place: Place) -> Jbd:
    return Jbd(
        instrument.serial_number,
        world=place.world,
        faults=place.faults,
        capacity_ah=place.config.cells[0].parameters.capacity_ah,
    )


def _thermometer(instrument: InstrumentConfig, place: Place) -> Logger:
    return Logger(instrument.serial_number, world=place.world, faults=place.faults)


def _riden(model_id: int, amps: float, *, per_volt: int = 100, per_amp: int = 100) -> Fitting:
    kind = riden.model(model_id, amps, per_volt=per_volt, per_amp=per_amp)
    return _supply(kind, on_lan=False, serial=r"\d{8}", example="00012345")


SIMULATED: Mapping[str, Fitting] = MappingProxyType(
    {
        "riden_rd6006": _riden(60062, 6.0, per_amp=1000),
        "riden_rd6006p": _riden(60065, 6.0, per_volt=1000, per_amp=10_000),
        "riden_rd6012": _riden(60121, 12.0),
        "riden_rd6018": _riden(60181, 18.0),
        "riden_rd6024": _riden(60241, 24.0),
        "riden_rd6030": _riden(60301, 30.0),
        "ea_ps_9080_60_t": _supply(Ea, on_lan=True, serial=r"\w+", example="2050130042"),
        "ea_psi_9080_60_t": _supply(EaPsi, on_lan=True, serial=r"\w+", example="2050130042"),
        "korad_ka3005p": _supply(Korad, on_lan=False, serial=r"\w{8}", example="00012345"),
        "keysight_34461a": Fitting(_meter, True, r"\w{6,16}", "MY53200001"),
        "keysight_34461a_100v": Fitting(_meter, True, r"\w{6,16}", "MY53200001"),
        "keysight_34972a": Fitting(_scanner, True, r"\w{6,16}", "MY49000001"),
        "waveshare_relay8": Fitting(_relay, False, r"unit-\d+", "unit-1", has_timers=True),
        "itech_it8514c": Fitting(partial(_load, Itech), False, r"\w{1,10}", "8000123456"),
        "bk_8514": Fitting(partial(_load, Bk), False, r"\w{1,10}", "8000123456"),
        "jbd_bms": Fitting(_bms, False, r"[ -~]{1,30}", "JBD-SP04S020-0042"),
        "eletechsup_r4dcb08": Fitting(_thermometer, False, r"[01]\d\d|2[0-4]\d", "001"),
    }
)
"""By the driver's name in `stations.drivers.registry`."""


def check(instrument: InstrumentConfig) -> None:
    """Raise ConfigError, in words, where nothing here can play this instrument."""
    role, driver = instrument.role, instrument.driver
    if driver not in SIMULATED:
        those = ", ".join(sorted(key for key in SIMULATED if DRIVERS[key].role == role))
        raise ConfigError(f"{role}.driver is {driver!r}; simulated is only {those}")
    fitting = SIMULATED[driver]
    if fitting.on_lan and not ADDRESS.fullmatch(instrument.resource):
        raise ConfigError(
            f"{role}.resource is {instrument.resource!r}; "
            "simulated is only TCPIP0::127.0.0.1::<port>::SOCKET"
        )
    if not fitting.on_lan and "::" in instrument.resource:
        raise ConfigError(f"{role}.resource is {instrument.resource!r}; simulated is only a path")
    if not re.fullmatch(fitting.serial, instrument.serial_number):
        raise ConfigError(
            f"{role}.serial_number is {instrument.serial_number!r}; "
            f"a {driver} says one like {fitting.example}"
        )


def serve(instrument: InstrumentConfig, place: Place) -> tuple[Server, ...]:
    """The instrument on its wire; OSError where a port is taken."""
    fitting = SIMULATED[instrument.driver]
    device = fitting.make(instrument, place)
    wire = _wire(instrument, device, place)
    return (device, wire) if fitting.has_timers else (wire,)


def _wire(instrument: InstrumentConfig, device: Any, place: Place) -> Server:
    match = ADDRESS.fullmatch(instrument.resource)
    if match is None:
        return SerialPort(
            Path(instrument.resource),
            role=instrument.role,
            device=device,
            world=place.world,
            faults=place.faults,
        )
    return LineServer(
        ("127.0.0.1", int(match[2])),
        name=instrument.role,
        instrument=device,
        world=place.world,
        faults=place.faults,
    )


def supply_of(driver: str) -> type[SimulatedSupply]:
    kind = SIMULATED[driver].supply
    assert kind is not None  # noqa: S101 - bench.toml names a driver of that role
    return kind
