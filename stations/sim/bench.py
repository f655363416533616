"""A whole simulated bench: read its folder, put it together, serve until told to stop."""

from __future__ import annotations

import re
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Protocol

from stations.clock import ClockWriter
from stations.config import BenchConfig, ConfigError, InstrumentConfig, load
from stations.model.bank import Bank
from stations.sim.daq import FITTED, Daq
from stations.sim.faults import Switchboard
from stations.sim.hands import HandsServer, Table
from stations.sim.lines import LineServer
from stations.sim.noise import NoisyVoltmeter
from stations.sim.relay_board import RelayBoard
from stations.sim.riden import Riden, factory_output
from stations.sim.scpi import ScpiInstrument
from stations.sim.serial_port import Device, SerialPort
from stations.sim.truevolt import Truevolt
from stations.sim.truth import TruthLog
from stations.sim.world import World
from stations.sim.worldfile import WorldConfig, WorldError, load_world

SIMULATED = {
    "supply": "riden_rd6018",
    "meter": "keysight_34461a",
    "scanner": "keysight_34972a",
    "relay": "waveshare_relay8",
}
SERIAL = ("supply", "relay")
_ADDRESS = re.compile(r"TCPIP\d*::(127\.0\.0\.1|localhost)::(\d+)::SOCKET")


class Server(Protocol):
    """One thread at one port."""

    def start(self) -> None: ...

    def close(self) -> None: ...


class Simulation:
    """Everything on one simulated bench; nothing moves before `start`."""

    def __init__(self, bench: BenchConfig, config: WorldConfig) -> None:
        """Raises ConfigError where the two files do not fit, OSError where a port is taken."""
        _check(bench, config)
        assert bench.clock is not None  # noqa: S101 - _check refuses a bench without
        self._truth = TruthLog(bench.folder / "truth.jsonl")
        self._world = World(
            _bank(config),
            objection=_objection(config),
            output=factory_output(config.supply),
            clock=ClockWriter(bench.clock),
            truth=self._truth,
            speed=config.speed,
            contactor=bench.relay is not None,
        )
        self._faults = Switchboard(tuple(i.role for i in bench.instruments))
        supply = Riden(
            int(bench.supply.serial_number),
            world=self._world,
            faults=self._faults,
            flaws=config.supply,
        )
        servers = [
            self._line_server(bench.meter, self._meter(bench.meter, config)),
            *(
                self._line_server(scanner, self._scanner(scanner, config))
                for scanner in (bench.scanner,)
                if scanner is not None
            ),
        ]
        self._hands = HandsServer(
            config.hands_port, Table(bench.station, world=self._world, faults=self._faults)
        )
        port = self._serial_port(bench.supply, supply)
        relays = self._relays(bench.relay) if bench.relay is not None else ()
        self._servers: tuple[Server, ...] = (port, *servers, *relays, self._hands)
        self.ready_line = " ".join(
            ["ready", *(instrument.resource for instrument in bench.instruments), self._hands.url]
        )

    def start(self) -> None:
        self._world.start()
        for server in self._servers:
            server.start()

    def close(self) -> None:
        """Output off first, and logged; then hang up."""
        self._world.close()
        for server in self._servers:
            server.close()
        self._truth.close()

    def _meter(self, instrument: InstrumentConfig, config: WorldConfig) -> Truevolt:
        voltmeter = NoisyVoltmeter(
            seed=config.seed,
            noise_v=config.meters.noise_v,
            offset_v=config.meters.meter_offset_v,
        )
        return Truevolt(
            instrument.serial_number, world=self._world, faults=self._faults, voltmeter=voltmeter
        )

    def _scanner(self, instrument: InstrumentConfig, config: WorldConfig) -> Daq:
        voltmeter = NoisyVoltmeter(
            seed=config.seed + 1,
            noise_v=config.meters.noise_v,
            offset_v=config.meters.scanner_offset_v,
        )
        return Daq(
            instrument.serial_number,
            wired=instrument.channels,
            world=self._world,
            faults=self._faults,
            voltmeter=voltmeter,
        )

    def _relays(self, where: InstrumentConfig) -> tuple[Server, ...]:
        board = RelayBoard(
            where.address, contactor=where.channels[0], world=self._world, faults=self._faults
        )
        return (board, self._serial_port(where, board))

    def _serial_port(self, where: InstrumentConfig, device: Device) -> SerialPort:
        return SerialPort(
            Path(where.resource), device=device, world=self._world, faults=self._faults
        )

    def _line_server(self, where: InstrumentConfig, instrument: ScpiInstrument) -> LineServer:
        match = _ADDRESS.fullmatch(where.resource)
        assert match is not None  # noqa: S101 - _check refuses any other
        return LineServer(
            ("127.0.0.1", int(match[2])),
            name=where.role,
            instrument=instrument,
            world=self._world,
            faults=self._faults,
        )


def simulate(bench_toml: Path) -> int:
    """Serve the bench beside `bench_toml` until SIGTERM, SIGINT or SIGHUP; the exit code.

    Prints one line `ready <resource> … <hands url>` when everything listens.  A thread that
    dies ends the whole simulator (code 1): half a bench would be worse than none.
    """
    stop = threading.Event()
    deaths: list[threading.ExceptHookArgs] = []

    def told(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    def died(death: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(death)
        deaths.append(death)
        stop.set()

    threading.excepthook = died
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, told)
    try:
        simulation = Simulation(load(bench_toml), load_world(bench_toml.parent / "world.toml"))
    except (ConfigError, WorldError, OSError) as error:
        sys.stderr.write(f"simulate: {error}\n")
        return 2
    simulation.start()
    sys.stdout.write(simulation.ready_line + "\n")
    sys.stdout.flush()
    stop.wait()
    simulation.close()
    return 1 if deaths else 0


def _bank(config: WorldConfig) -> Bank:
    return Bank(
        [cell.parameters for cell in config.cells],
        config.wiring,
        soc=[cell.soc for cell in config.cells],
        reversed_positions=frozenset(_reversed(config)),
        linked=False,
        fed=False,
    )


def _reversed(config: WorldConfig) -> list[int]:
    return [position for position, cell in enumerate(config.cells, 1) if cell.reversed]


def _objection(config: WorldConfig) -> str:
    found = _reversed(config)
    if not found or len(config.cells) == 1:
        return ""
    return f"cell {found[0]} lies the wrong way round: links would short the bank"


def _check(bench: BenchConfig, config: WorldConfig) -> None:
    """What this simulator can play of what bench.toml asks for."""
    if bench.clock is None:
        raise ConfigError('[clock] is missing: a simulated bench needs simulated = "clock"')
    for instrument in bench.instruments:
        if instrument.driver != SIMULATED[instrument.role]:
            raise ConfigError(
                f"{instrument.role}.driver is {instrument.driver!r}; "
                f"simulated is only {SIMULATED[instrument.role]}"
            )
        if instrument.role not in SERIAL and not _ADDRESS.fullmatch(instrument.resource):
            raise ConfigError(
                f"{instrument.role}.resource is {instrument.resource!r}; "
                "simulated is only TCPIP0::127.0.0.1::<port>::SOCKET"
            )
    if not bench.supply.serial_number.isdecimal():
        raise ConfigError("supply.serial_number must be digits, as in the supply's registers")
    if bench.scanner is not None:
        _check_channels(bench.scanner.channels, len(config.cells))


def _check_channels(channels: tuple[int, ...], cells: int) -> None:
    if len(channels) != cells:
        raise ConfigError(f"scanner.channels has {len(channels)} channels for {cells} cells")
    for channel in channels:
        if channel not in FITTED:
            raise ConfigError(
                f"scanner.channels has {channel}; fitted are {FITTED[0]} to {FITTED[-1]}"
            )
