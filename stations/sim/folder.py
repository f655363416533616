"""Write the folder of a simulated bench: bench.toml for the guardian, world.toml for physics."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from stations.drivers.registry import DRIVERS
from stations.sim.fitting import SIMULATED

Value = float | int | bool | str | Sequence[float]
FIRST_CHANNEL = 101
PROBES = 8  # of a logger


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on this host of one simulated bench."""

    meter: int
    scanner: int
    hands: int
    supply: int = 0  # of one on LAN


@dataclass(frozen=True, slots=True)
class Folder:
    """What to write; the tables go into the files as they are, so their keys are the files'."""

    cells: Sequence[Mapping[str, Value]]
    station: str = "bench-1"
    speed: float = 240.0
    seed: int = 7
    temperature_c: float = 25.0
    serial_numbers: tuple[str, str, str] = ("00012345", "MY53200001", "MY49000001")
    supply_driver: str = "riden_rd6018"
    meter_driver: str = "keysight_34461a"
    scanner: bool = True
    relay: bool = False  # a relay board whose first relay drives a contactor in the plus lead
    router: bool = False  # another one whose relays put the leads on one cell, the first on cell 1
    more: Sequence[str] = ()  # drivers of other instruments, each on a serial port
    probes: int = PROBES  # of a logger, on the first so many cells
    wiring: Mapping[str, Value] = field(default_factory=dict)
    supply: Mapping[str, Value] = field(default_factory=dict)
    meters: Mapping[str, Value] = field(default_factory=dict)
    bms: Mapping[str, Value] = field(default_factory=dict)
    timing: Mapping[str, Value] = field(default_factory=dict)


def free_ports() -> Ports:
    """Ports that nobody had a moment ago; a start that finds one taken picks again."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(4)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        meter, scanner, hands, supply = (listener.getsockname()[1] for listener in sockets)
    return Ports(meter, scanner, hands, supply)


def write_folder(path: Path, folder: Folder, ports: Ports) -> Path:
    """Write bench.toml and world.toml into `path` (made if need be); the path of bench.toml."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "world.toml").write_text(_world(folder, ports), encoding="utf-8")
    bench = path / "bench.toml"
    bench.write_text(_bench(folder, ports), encoding="utf-8")
    return bench


def _bench(folder: Folder, ports: Ports) -> str:
    supply, meter, scanner = folder.serial_numbers
    on_lan = SIMULATED[folder.supply_driver].on_lan
    at = _socket(ports.supply) if on_lan else "supply.tty"
    sections = [
        _lines({"station": folder.station}),
        _table("clock", {"simulated": "clock"}),
        _instrument("supply", folder.supply_driver, at, supply),
        _instrument("meter", folder.meter_driver, _socket(ports.meter), meter),
    ]
    if folder.scanner:
        channels = [FIRST_CHANNEL + i for i in range(len(folder.cells))]
        resource = _socket(ports.scanner)
        sections.append(
            _instrument("scanner", "keysight_34972a", resource, scanner, channels=channels)
        )
    if folder.relay:
        relay: dict[str, Value] = {"driver": "waveshare_relay8", "resource": "relay.tty"}
        sections.append(_table("relay", relay | {"address": 1, "contactor": 1}))
    if folder.router:
        routes = [*range(1, len(folder.cells) + 1)]
        board: dict[str, Value] = {"driver": "waveshare_relay8", "resource": "router.tty"}
        sections.append(_table("router", board | {"address": 2, "channels": routes}))
    for driver in folder.more:
        role = DRIVERS[driver].role
        probes = {"channels": [*range(1, min(folder.probes, len(folder.cells)) + 1)]}
        more = probes if role == "thermometer" else {}
        serial_number = SIMULATED[driver].example
        sections.append(_instrument(role, driver, f"{role}.tty", serial_number, **more))
    if folder.timing:
        sections.append(_table("timing", folder.timing))
    return "\n".join(sections)


def _world(folder: Folder, ports: Ports) -> str:
    cells = ",\n".join(
        "    { " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in cell.items()) + " }"
        for cell in folder.cells
    )
    table = {name: getattr(folder, name) for name in ("speed", "seed", "temperature_c")}
    sections = [
        _lines(table) + f"cells = [\n{cells},\n]\n",
        _table("hands", {"port": ports.hands}),
    ]
    flaws = {name: getattr(folder, name) for name in ("wiring", "supply", "meters", "bms")}
    sections += [_table(name, table) for name, table in flaws.items() if table]
    return "\n".join(sections)


def _instrument(role: str, driver: str, resource: str, serial_number: str, **more: Value) -> str:
    table: dict[str, Value] = {"driver": driver, "resource": resource}
    return _table(role, table | {"serial_number": serial_number} | more)


def _socket(port: int) -> str:
    return f"TCPIP0::127.0.0.1::{port}::SOCKET"


def _table(name: str, table: Mapping[str, Value]) -> str:
    return f"[{name}]\n" + _lines(table)


def _lines(table: Mapping[str, Value]) -> str:
    # JSON's spelling of texts, numbers, booleans and lists is TOML's too.
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
