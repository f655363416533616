"""The demo's two benches: their folders, written anew with free ports at each start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.services import free_port

SPEED = 240.0
CHANNELS = (101, 102, 103, 104)
# (capacity in Ah, state of charge) of the cells on each bench: one lot's scatter, nearly full.
CELLS = ((199.2, 0.948), (200.6, 0.952), (200.1, 0.950), (201.0, 0.951))


@dataclass(frozen=True, slots=True)
class DemoInstrument:
    role: str
    driver: str
    model: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class DemoBench:
    """One simulated bench as the shop registers it."""

    slug: str
    name: str
    seed: int
    instruments: tuple[DemoInstrument, ...]


def _bench(number: int, *more: DemoInstrument, meter: str = "keysight_34461a") -> DemoBench:
    return DemoBench(
        slug=f"bench-{number}",
        name=f"Bench {number} (simulated)",
        seed=number,
        instruments=(
            DemoInstrument("supply", "riden_rd6018", "RD6018", f"{12344 + number:08d}"),
            DemoInstrument("meter", meter, "34461A", f"MY5320000{number}"),
            DemoInstrument("scanner", "keysight_34972a", "34972A", f"MY4900000{number}"),
            *more,
        ),
    )


LOAD = DemoInstrument("load", "itech_it8514c", "IT8514C+", "8000123456")
PROBES = DemoInstrument("thermometer", "eletechsup_r4dcb08", "R4DCB08", "001")
BMS = DemoInstrument("bms", "jbd_bms", "JBD BMS", "JBD-SP04S020-0042")
# The second one can also charge a string: a BMS on a wire, the meter on its 100 V range.
BENCHES = (_bench(1, PROBES), _bench(2, LOAD, BMS, meter="keysight_34461a_100v"))


@dataclass(frozen=True, slots=True)
class BenchFolder:
    """Where a demo bench lives, and where the simulated technician's hands are."""

    bench: DemoBench
    path: Path
    hands_port: int

    @property
    def hands_url(self) -> str:
        return f"http://127.0.0.1:{self.hands_port}"


def write_folder(bench: DemoBench, data: Path) -> BenchFolder:
    """Write bench.toml and world.toml of `bench`; its journal and token stay as they are."""
    folder = data / "benches" / bench.slug
    folder.mkdir(parents=True, exist_ok=True)
    meter_port, scanner_port, hands_port = free_port(), free_port(), free_port()
    resources = {
        "supply": "supply.tty",
        "load": "load.tty",
        "thermometer": "thermometer.tty",
        "bms": "bms.tty",
        "meter": f"TCPIP0::127.0.0.1::{meter_port}::SOCKET",
        "scanner": f"TCPIP0::127.0.0.1::{scanner_port}::SOCKET",
    }
    lines = [f'station = "{bench.slug}"', "", "[clock]", 'simulated = "clock"']
    for instrument in bench.instruments:
        lines += [
            "",
            f"[{instrument.role}]",
            f'driver = "{instrument.driver}"',
            f'resource = "{resources[instrument.role]}"',
            f'serial_number = "{instrument.serial_number}"',
        ]
        if instrument.role == "scanner":
            lines.append(f"channels = {list(CHANNELS)}")
        if instrument.role == "thermometer":  # a probe on each cell
            lines.append(f"channels = {list(range(1, len(CELLS) + 1))}")
    (folder / "bench.toml").write_text("\n".join(lines) + "\n")
    (folder / "world.toml").write_text(_world(bench, hands_port))
    return BenchFolder(bench=bench, path=folder, hands_port=hands_port)


def _world(bench: DemoBench, hands_port: int) -> str:
    cells = ",\n".join(
        f"    {{ capacity_ah = {capacity_ah}, soc = {soc} }}" for capacity_ah, soc in CELLS
    )
    return (
        f"speed = {SPEED}\nseed = {bench.seed}\ncells = [\n{cells},\n]\n\n"
        '[wiring]\nlayout = "star"\nlink_ohm = 0.0003\nlead_ohm = 0.005\n\n'
        f"[hands]\nport = {hands_port}\n"
    )
