"""A whole simulated bench: read its folder, put it together, serve until told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from stations.clock import ClockWriter
from stations.config import BenchConfig, ConfigError, load
from stations.model.bank import Bank
from stations.sim import fitting
from stations.sim.daq import FITTED
from stations.sim.faults import Switchboard
from stations.sim.hands import HandsServer, Table
from stations.sim.serial_port import clear
from stations.sim.truth import TruthLog
from stations.sim.world import World
from stations.sim.worldfile import WorldConfig, WorldError, load_world


class Simulation:
    """Everything on one simulated bench; nothing moves before `start`."""

    def __init__(self, bench: BenchConfig, config: WorldConfig) -> None:
        """Raises ConfigError where the two files do not fit, OSError where a port is taken."""
        _check(bench, config)
        assert bench.clock is not None  # noqa: S101 - _check refuses a bench without
        for instrument in bench.instruments:
            if "::" not in instrument.resource:
                clear(Path(instrument.resource))
        clock = ClockWriter(bench.clock)
        self._truth = TruthLog(bench.folder / "truth.jsonl")
        self._world = World(
            _bank(config),
            objection=_objection(config),
            output=fitting.supply_of(bench.supply.driver).factory_output(config.supply),
            clock=clock,
            truth=self._truth,
            speed=config.speed,
            contactor=bench.relay is not None,
            temperature_c=config.temperature_c,
        )
        self._faults = Switchboard(tuple(i.role for i in bench.instruments))
        self._faults.watch(
            lambda role, fault: self._world.note("fault", instrument=role, fault=fault)
        )
        place = fitting.Place(config, self._world, self._faults)
        servers = [
            server
            # On LAN first: a port that is taken then leaves nothing behind.
            for instrument in sorted(bench.instruments, key=lambda i: "::" not in i.resource)
            for server in fitting.serve(instrument, place)
        ]
        self._hands = HandsServer(
            config.hands_port, Table(bench.station, world=self._world, faults=self._faults)
        )
        self._servers: tuple[fitting.Server, ...] = (*servers, self._hands)
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
    bank = Bank(
        [cell.parameters.at(config.temperature_c) for cell in config.cells],
        config.wiring,
        soc=[cell.soc for cell in config.cells],
        reversed_positions=frozenset(_reversed(config)),
        linked=False,
        fed=False,
    )
    bank.bms = config.bms
    return bank


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
        fitting.check(instrument)
    if bench.scanner is not None:
        _check_channels(bench.scanner.channels, len(config.cells))
    if bench.router is not None and len(bench.router.channels) > len(config.cells):
        routes = len(bench.router.channels)
        raise ConfigError(f"router.channels has {routes} routes for {len(config.cells)} cells")


def _check_channels(channels: tuple[int, ...], cells: int) -> None:
    if len(channels) != cells:
        raise ConfigError(f"scanner.channels has {len(channels)} channels for {cells} cells")
    for channel in channels:
        if channel not in FITTED:
            raise ConfigError(
                f"scanner.channels has {channel}; fitted are {FITTED[0]} to {FITTED[-1]}"
            )
