"""world.toml: what lies on the simulated table, as frozen values.

Every key but `cells` has a default.  A wrong key or value is refused with its name and what is
allowed there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from stations.model.bank import Wiring
from stations.model.bms import Bms
from stations.model.cell import CellParameters, cell_of
from stations.sim.supply import Flaws


class WorldError(ValueError):
    """world.toml is wrong; the message names file, key and what is allowed there."""


@dataclass(frozen=True, slots=True)
class CellConfig:
    """One cell as it was laid on the table."""

    parameters: CellParameters
    soc: float
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class MeterFlaws:
    """What the voltmeters add to the truth: noise (one sigma) and a fixed error."""

    noise_v: float = 10e-6
    meter_offset_v: float = 0.0
    scanner_offset_v: float = 0.0


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """The table: cells, copper, instruments' flaws, and how fast time runs."""

    cells: tuple[CellConfig, ...]
    speed: float = 1.0
    seed: int = 1
    wiring: Wiring = field(default_factory=Wiring)
    supply: Flaws = field(default_factory=Flaws)
    meters: MeterFlaws = field(default_factory=MeterFlaws)
    hands_port: int = 0  # 0: any free one, told on the ready line
    temperature_c: float = 25.0  # of cells and probes
    bms: Bms = field(default_factory=Bms)  # of a string, whether it has a wire or not


def load_world(path: Path) -> WorldConfig:
    """Read and check `path`; raises WorldError, or OSError when it cannot be read."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return _world(table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, WorldError) as error:
        raise WorldError(f"{path}: {error}") from None


def _world(table: Mapping[str, Any]) -> WorldConfig:
    keys = ("cells", "speed", "seed", "temperature_c", "wiring", "supply", "meters", "bms", "hands")
    _known(table, keys, "")
    cells = table.get("cells")
    if not isinstance(cells, list) or not cells:
        raise WorldError("cells must be a list like [{ capacity_ah = 200.0, soc = 0.95 }]")
    hands = _section(table, "hands", ("port",))
    return WorldConfig(
        cells=tuple(_cell(cell, f"cells[{i}].") for i, cell in enumerate(cells, 1)),
        speed=_number(table, "speed", "", 1.0, low=1.0, high=1000.0),
        seed=int(_number(table, "seed", "", 1, low=0, high=2**31)),
        wiring=_wiring(table, len(cells)),
        supply=_supply(table),
        meters=_meters(table),
        hands_port=int(_number(hands, "port", "hands.", 0, low=0, high=65535)),
        temperature_c=_number(table, "temperature_c", "", 25.0, low=-20.0, high=80.0),
        bms=_bms(table),
    )


def _cell(plain: Any, where: str) -> CellConfig:
    if not isinstance(plain, Mapping):
        raise WorldError(f"{where.rstrip('.')} must be a table with at least capacity_ah")
    names = [f.name for f in fields(CellParameters)]
    _known(plain, (*names, "soc", "reversed"), where)
    if "capacity_ah" not in plain:
        raise WorldError(f"{where}capacity_ah is missing")
    capacity_ah = _number(plain, "capacity_ah", where, 0, low=0.1, high=10_000)
    given = {
        name: _number(plain, name, where, 0, low=0.0, high=1e6) for name in names if name in plain
    }
    return CellConfig(
        parameters=replace(cell_of(capacity_ah), **given),
        soc=_number(plain, "soc", where, 0.5, low=0.0, high=1.0),
        reversed=_boolean(plain, "reversed", where, False),
    )


def _wiring(table: Mapping[str, Any], cells: int) -> Wiring:
    names = tuple(f.name for f in fields(Wiring))
    section = _section(table, "wiring", names)
    layout = section.get("layout", "star")
    if layout not in ("star", "ladder"):
        raise WorldError(f'wiring.layout is {layout!r}; allowed are "star" and "ladder"')
    contacts = section.get("contact_ohm", [])
    if not isinstance(contacts, list) or len(contacts) not in (0, cells):
        raise WorldError(f"wiring.contact_ohm must be a list of {cells} resistances, one a cell")
    usual = Wiring()
    # Below a microohm per link the ladder is no longer a network that can be solved.
    return Wiring(
        layout=cast(Any, layout),
        link_ohm=_number(section, "link_ohm", "wiring.", usual.link_ohm, low=1e-6, high=10.0),
        lead_ohm=_number(section, "lead_ohm", "wiring.", usual.lead_ohm, low=1e-6, high=10.0),
        diagonal=_boolean(section, "diagonal", "wiring.", usual.diagonal),
        contact_ohm=tuple(
            _number({"contact_ohm": ohm}, "contact_ohm", "wiring.", 0, low=0.0, high=10.0)
            for ohm in contacts
        ),
    )


def _supply(table: Mapping[str, Any]) -> Flaws:
    section = _section(table, "supply", tuple(f.name for f in fields(Flaws)))
    usual = Flaws()
    return Flaws(
        voltage_offset_v=_error(section, "voltage_offset_v", "supply.", usual.voltage_offset_v),
        ammeter_zero_a=_error(section, "ammeter_zero_a", "supply.", usual.ammeter_zero_a),
        boot_power=_boolean(section, "boot_power", "supply.", usual.boot_power),
        read_max=int(_number(section, "read_max", "supply.", usual.read_max, low=1, high=120)),
    )


def _meters(table: Mapping[str, Any]) -> MeterFlaws:
    section = _section(table, "meters", tuple(f.name for f in fields(MeterFlaws)))
    usual = MeterFlaws()
    return MeterFlaws(
        noise_v=_number(section, "noise_v", "meters.", usual.noise_v, low=0.0, high=1.0),
        meter_offset_v=_error(section, "meter_offset_v", "meters.", usual.meter_offset_v),
        scanner_offset_v=_error(section, "scanner_offset_v", "meters.", usual.scanner_offset_v),
    )


def _bms(table: Mapping[str, Any]) -> Bms:
    names = ("over_v", "release_v", "delay_s", "path_ohm", "early_v", "balance_a")
    section = _section(table, "bms", names)
    usual = Bms()

    def number(key: str, default: float) -> float:
        return _number(section, key, "bms.", default, low=0.0, high=60.0)

    return Bms(
        over_v=number("over_v", usual.over_v),
        release_v=number("release_v", usual.release_v),
        delay_s=number("delay_s", usual.delay_s),
        path_ohm=number("path_ohm", usual.path_ohm),
        early_v=number("early_v", usual.early_v),
        balance_a=number("balance_a", usual.balance_a),
    )


def _error(section: Mapping[str, Any], key: str, where: str, usual: float) -> float:
    return _number(section, key, where, usual, low=-1.0, high=1.0)


def _section(table: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> Mapping[str, Any]:
    section = table.get(key, {})
    if not isinstance(section, Mapping):
        raise WorldError(f"{key} must be a table [{key}]")
    _known(section, allowed, f"{key}.")
    return section


def _known(section: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
    for key in section:
        if key not in allowed:
            raise WorldError(f"{where}{key} is not a key; allowed are {', '.join(sorted(allowed))}")


def _number(
    section: Mapping[str, Any], key: str, where: str, usual: float, *, low: float, high: float
) -> float:
    value = section.get(key, usual)
    if type(value) not in (int, float) or not low <= value <= high:
        raise WorldError(f"{where}{key} is {value!r}; it must be a number from {low:g} to {high:g}")
    return float(value)


def _boolean(section: Mapping[str, Any], key: str, where: str, usual: bool) -> bool:
    value = section.get(key, usual)
    if not isinstance(value, bool):
        raise WorldError(f"{where}{key} is {value!r}; it must be true or false")
    return value
