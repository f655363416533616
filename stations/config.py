"""bench.toml to a frozen BenchConfig; every refusal names the key and what is allowed.

What the instruments are is said here, on the host that they hang on, and nowhere else: a
resource never comes from a page or a message.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stations.wire import socket_in

OPTIONAL = ("scanner", "load", "bms", "thermometer")
CHANNELLED = ("scanner", "thermometer")
BOARDS = {"router": "relay"}  # what plays a role that no driver is called by
LOOPBACK = ("127.0.0.1", "localhost")
PTYS = Path("/dev/pts")
ADDRESSES = range(1, 248)  # of Modbus; 0 is everybody
RELAYS = range(1, 9)
CONTACTOR_MAX_S = 9.0  # requirement F4: no output is on longer than 10 s after its host died
_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[A-Za-z0-9.-]+)::(?P<port>\d{1,5})::SOCKET")
_INSTR = re.compile(r"(TCPIP|USB|GPIB)\d*::[A-Za-z0-9_.:-]+::INSTR|ASRL[A-Za-z0-9/_.-]+::INSTR")


class ConfigError(ValueError):
    """bench.toml is wrong; the message names file, key and what is allowed there."""


@dataclass(frozen=True, slots=True)
class InstrumentConfig:
    """One instrument: which driver, where, and whose serial number must answer."""

    role: str  # "supply", "meter", "scanner", "relay", "router", "load", "bms", "thermometer"
    driver: str
    resource: str  # a VISA string, or the absolute path of a serial port
    serial_number: str  # of a relay board, which has none, what its driver makes of `address`
    # Of scanner, thermometer or router: bank position 1..N, in order; of a relay: the contactor's.
    channels: tuple[int, ...] = ()
    address: int = 1  # of a relay board on its bus


@dataclass(frozen=True, slots=True)
class Timing:
    """Guard-time seconds, except `sample_s`, which is process time."""

    sample_s: float = 1.0
    sample_min_s: float = 0.05  # wall seconds: the fastest sampling at any speed
    idle_poll_s: float = 1.0
    deadman_s: float = 2.0
    io_timeout_s: float = 0.5
    ending_s: float = 5.0  # how long a runner may take to close what the guardian ended
    retry_s: float = 0.2  # between two tries to prove the output off
    shut_down_s: float = 15.0  # how long an ending guardian tries to prove the output off
    contactor_s: float = 6.0  # the contactor opens by itself so long after it was last armed
    rearm_s: float = 1.0  # it is armed again at a good sample, but not sooner than this

    @property
    def sample_limit_s(self) -> float:
        """A sample waits this long for its slowest instrument: a scan, one silence, one retry."""
        return 4 * self.io_timeout_s

    @property
    def pet_s(self) -> float:
        """A caller that waits must be heard this often."""
        return min(0.5, self.deadman_s / 4)


@dataclass(frozen=True, slots=True)
class BenchConfig:
    """One bench folder: what is where, and how patient to be."""

    folder: Path
    station: str
    supply: InstrumentConfig
    meter: InstrumentConfig
    scanner: InstrumentConfig | None
    clock: Path | None  # of a simulated bench
    timing: Timing
    relay: InstrumentConfig | None = None  # a contactor in the plus lead, closed for a time only
    load: InstrumentConfig | None = None
    bms: InstrumentConfig | None = None
    thermometer: InstrumentConfig | None = None
    router: InstrumentConfig | None = None  # a relay board that puts the leads on one cell

    @property
    def instruments(self) -> tuple[InstrumentConfig, ...]:
        more = (self.relay, self.router, self.load, self.bms, self.thermometer)
        found = (self.supply, self.meter, self.scanner, *more)
        return tuple(instrument for instrument in found if instrument is not None)

    @property
    def supply_is_local(self) -> bool:
        """Whether supply, and load if any, hang on ports of this very host."""
        switched = [self.supply] + ([self.load] if self.load else [])
        return not any(instrument.resource.startswith("TCPIP") for instrument in switched)

    @property
    def socket(self) -> Path:
        return socket_in(self.folder)

    @property
    def lockout(self) -> Path:
        """Says why the bench is locked, while it is."""
        return self.folder / "locked"

    @property
    def journal(self) -> Path:
        return self.folder / "journal"


def load(path: Path) -> BenchConfig:
    """Read and check `path`; raises ConfigError, or OSError when it cannot be read."""
    with path.open("rb") as file:
        try:
            table = tomllib.load(file)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
    try:
        return _bench(table, path.parent.absolute())
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _bench(table: Mapping[str, Any], folder: Path) -> BenchConfig:
    roles = {"supply", "meter", "relay", "router", *OPTIONAL}
    _known(table, {"station", "clock", "timing", *roles}, "")
    clock = None
    if "clock" in table:
        section = _section(table, "clock")
        _known(section, {"simulated"}, "clock.")
        clock = _inside(folder, _text(section, "simulated", "clock."))
    fitted = {role: _instrument(table, role, folder) for role in OPTIONAL if role in table}
    bench = BenchConfig(
        folder=folder,
        station=_text(table, "station", ""),
        supply=_instrument(table, "supply", folder),
        meter=_instrument(table, "meter", folder),
        scanner=fitted.get("scanner"),
        clock=clock,
        timing=_timing(_section(table, "timing") if "timing" in table else {}),
        relay=_relay(table, folder) if "relay" in table else None,
        router=_router(table, folder) if "router" in table else None,
        load=fitted.get("load"),
        bms=fitted.get("bms"),
        thermometer=fitted.get("thermometer"),
    )
    _distinct(bench)
    if bench.relay is not None:
        _rearmed_in_time(bench.timing)
    if clock is not None:
        _all_simulated(bench)
    return bench


def _instrument(table: Mapping[str, Any], role: str, folder: Path) -> InstrumentConfig:
    section = _section(table, role)
    keys = {"driver", "resource", "serial_number"}
    _known(section, keys | ({"channels"} if role in CHANNELLED else set()), f"{role}.")
    return InstrumentConfig(
        role=role,
        driver=_driver(section, role),
        resource=_resource(section, role, folder),
        serial_number=_text(section, "serial_number", f"{role}."),
        channels=_channels(section, role) if role in CHANNELLED else (),
    )


def _relay(table: Mapping[str, Any], folder: Path) -> InstrumentConfig:
    section = _section(table, "relay")
    _known(section, {"driver", "resource", "address", "contactor"}, "relay.")
    contactor = _whole(section, "contactor", "relay", RELAYS)
    return _board(section, "relay", folder, (contactor,))


def _router(table: Mapping[str, Any], folder: Path) -> InstrumentConfig:
    section = _section(table, "router")
    _known(section, {"driver", "resource", "address", "channels"}, "router.")
    channels = _channels(section, "router")
    if not set(channels) <= set(RELAYS):
        span = f"from {RELAYS[0]} to {RELAYS[-1]}"
        raise ConfigError(f"router.channels is {list(channels)}; a board has relays {span}")
    return _board(section, "router", folder, channels)


def _board(
    section: Mapping[str, Any], role: str, folder: Path, channels: tuple[int, ...]
) -> InstrumentConfig:
    """A relay board: its address on the bus is who it is."""
    address = _whole(section, "address", role, ADDRESSES)
    return InstrumentConfig(
        role=role,
        driver=_driver(section, role),
        resource=_resource(section, role, folder),
        serial_number=f"unit-{address}",
        channels=channels,
        address=address,
    )


def _whole(section: Mapping[str, Any], key: str, role: str, allowed: range) -> int:
    value = section.get(key)
    if type(value) is not int or value not in allowed:
        span = f"from {allowed[0]} to {allowed[-1]}"
        raise ConfigError(f"{role}.{key} is {value!r}; it must be a whole number {span}")
    return value


def _driver(section: Mapping[str, Any], role: str) -> str:
    from stations.drivers.registry import DRIVERS

    driver = _text(section, "driver", f"{role}.")
    allowed = sorted(key for key, spec in DRIVERS.items() if spec.role == BOARDS.get(role, role))
    if driver not in allowed:
        raise ConfigError(f"{role}.driver is {driver!r}; allowed are {', '.join(allowed)}")
    return driver


def _resource(section: Mapping[str, Any], role: str, folder: Path) -> str:
    """A VISA string by strict grammar, or the path of a port (relative to the bench folder)."""
    resource = _text(section, "resource", f"{role}.")
    if "::" not in resource:
        return str(_one_spelling(folder / resource))
    if not (_SOCKET.fullmatch(resource) or _INSTR.fullmatch(resource)):
        raise ConfigError(
            f"{role}.resource is {resource!r}; allowed are TCPIP0::<host>::<port>::SOCKET, a "
            "…::INSTR resource, or the path of a serial port"
        )
    return resource


def _one_spelling(path: Path) -> Path:
    """`path` without `..` and by its true folder; a link, if that is what it is, stays one.

    Ports are opened by a stable name, which is a link.
    """
    return path.parent.resolve() / path.name


def _inside(folder: Path, name: str) -> Path:
    path = _one_spelling(folder / name)
    if path.parent != folder.resolve():
        raise ConfigError(f"clock.simulated is {name!r}; it must be a file in the bench folder")
    return folder / path.name


def _channels(section: Mapping[str, Any], role: str) -> tuple[int, ...]:
    channels = section.get("channels")
    whole = isinstance(channels, list) and all(type(c) is int for c in channels)
    if not (whole and channels and len(set(channels)) == len(channels)):
        raise ConfigError(f"{role}.channels must be a list of different channel numbers")
    return tuple(channels)


def _timing(section: Mapping[str, Any]) -> Timing:
    names = {field.name for field in fields(Timing)}
    _known(section, names, "timing.")
    for key, value in section.items():
        if type(value) not in (int, float) or not 0 < value <= 60:
            raise ConfigError(f"timing.{key} is {value!r}; it must be seconds between 0 and 60")
    timing = Timing(**{key: float(value) for key, value in section.items()})
    _at_most(
        ("io_timeout_s", timing.io_timeout_s, "half of deadman_s", timing.deadman_s / 2),
        ("sample_min_s", timing.sample_min_s, "sample_s", timing.sample_s),
        ("sample_s", timing.sample_s, "deadman_s", timing.deadman_s),
        ("retry_s", timing.retry_s, "io_timeout_s", timing.io_timeout_s),
    )
    return timing


def _rearmed_in_time(timing: Timing) -> None:
    """The contactor stays closed through what a sample may take, and opens in time alone."""
    quarter_s = timing.contactor_s / 4
    _at_most(
        ("contactor_s", timing.contactor_s, "10 s less a margin", CONTACTOR_MAX_S),
        ("rearm_s", timing.rearm_s, "a quarter of contactor_s", quarter_s),
        ("sample_s", timing.sample_s, "a quarter of contactor_s", quarter_s),
        ("io_timeout_s", timing.io_timeout_s, "a quarter of contactor_s", quarter_s),
    )


def _at_most(*ratios: tuple[str, float, str, float]) -> None:
    for key, value, limit_words, limit in ratios:
        if not value <= limit:
            raise ConfigError(f"timing.{key} is {value:g}; at most {limit_words} ({limit:g})")


def _distinct(bench: BenchConfig) -> None:
    """No port plays two roles, however it is spelt.

    On a simulated bench its name is what counts: a dead simulator may have left its links.
    """
    seen: dict[str, str] = {}
    for instrument in bench.instruments:
        port = instrument.resource
        if bench.clock is None and "::" not in port:
            port = os.path.realpath(port)
        other = seen.setdefault(port, instrument.role)
        if other != instrument.role:
            raise ConfigError(f"{instrument.role}.resource is also the {other}'s")


def _all_simulated(bench: BenchConfig) -> None:
    """A real instrument knows no clock that runs fast: only this host's servers and ptys do."""
    for instrument in bench.instruments:
        socket = _SOCKET.fullmatch(instrument.resource)
        local = socket is not None and socket["host"] in LOOPBACK
        if not (local or _simulated_port(instrument.resource, bench.folder)):
            raise ConfigError(
                f"clock.simulated stands beside {instrument.role}.resource "
                f"{instrument.resource!r}; allowed there are only 127.0.0.1 and ports inside "
                "the bench folder"
            )


def _simulated_port(resource: str, folder: Path) -> bool:
    """Whether it lies in the bench folder and, if it is a link, leads to a pty."""
    port = Path(resource)
    if "::" in resource or not port.is_relative_to(folder.resolve()):
        return False
    return not port.is_symlink() or leads_to_pty(port)


def leads_to_pty(path: Path) -> bool:
    """Whether it is what a simulator makes of a port, or made before it died: a link to a pty."""
    return path.is_symlink() and path.resolve().is_relative_to(PTYS)


def _section(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = table.get(key)
    if not isinstance(section, Mapping):
        raise ConfigError(f"[{key}] is missing")
    return section


def _text(section: Mapping[str, Any], key: str, prefix: str) -> str:
    value = section.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{prefix}{key} must be a text, not {value!r}")
    if not value.isprintable():
        raise ConfigError(f"{prefix}{key} is {value!r}; it must be printable")
    return value


def _known(section: Mapping[str, Any], allowed: set[str], prefix: str) -> None:
    for key in section:
        if key not in allowed:
            names = ", ".join(sorted(allowed))
            raise ConfigError(f"{prefix}{key} is not a key; allowed are {names}")
