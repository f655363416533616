"""The whole simulator as a process: start, end, and what it refuses to start."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from stations.clock import SharedClock
from stations.config import ConfigError, InstrumentConfig, load
from stations.drivers.registry import DRIVERS
from stations.sim import fitting
from stations.sim.bench import simulate
from stations.sim.folder import Folder, Ports, free_ports, write_folder
from tests.stations.sim.driven import driving
from tests.stations.sim.harness import cell, simulated_bench
from tests.stations.sim.inside import Rtu, inside


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_the_relay_open(tmp_path: Path, number: int) -> None:
    with simulated_bench(tmp_path) as bench:
        supply = Rtu(bench.supply_tty)
        supply.write(18, 1)
        supply.close()
        assert bench.output_is_on()

        code = bench.stop(number)

        assert code == 0
        assert [record["on"] for record in bench.truth("relay")] == [True, False]
        assert not bench.supply_tty.exists()
        assert SharedClock(bench.clock).speed == 1.0


def test_says_where_it_listens(tmp_path: Path) -> None:
    with simulated_bench(tmp_path, cells=[cell()], speed=60.0) as bench:
        config = bench.config

        resources = [instrument.resource for instrument in config.instruments]
        assert bench.ready.split()[1:] == [*resources, bench.hands.url]


def with_driver(key: str) -> Folder:
    """A bench that has the driver called `key` in its role."""
    role = DRIVERS[key].role
    usual = Folder(cells=[cell()], relay=role == "relay")
    if role == "supply":
        return replace(usual, supply_driver=key)
    if role == "meter":
        return replace(usual, meter_driver=key)
    return replace(usual, more=(key,) if role in ("load", "bms", "thermometer") else ())


@pytest.mark.parametrize("key", DRIVERS)
def test_every_driver_has_its_simulator_from_the_bench_file_alone(tmp_path: Path, key: str) -> None:
    spec = DRIVERS[key]
    with inside(tmp_path, with_driver(key)) as bench, driving(bench, spec.role) as driver:
        driver.prepare()

        seen = driver.identify()

        ours = {i.role: i for i in load(tmp_path / "bench.toml").instruments}[spec.role]
        assert ours.driver == key
        assert (seen.role, seen.model) == (spec.role, spec.ratings.model)
        assert seen.serial_number == ours.serial_number
        assert driver.ratings == spec.ratings


@pytest.mark.parametrize("role", sorted({spec.role for spec in DRIVERS.values()}))
def test_a_wrong_key_of_any_instrument_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], role: str
) -> None:
    key = next(key for key, spec in DRIVERS.items() if spec.role == role)
    bench_toml = write_folder(tmp_path, with_driver(key), free_ports())
    bench_toml.write_text(bench_toml.read_text().replace(f"[{role}]", f'[{role}]\nresourse = "x"'))

    assert f"{role}.resourse is not a key; allowed are" in refusal(tmp_path, capfd)


def test_a_driver_without_a_simulator_is_refused_with_those_that_have_one() -> None:
    unknown = InstrumentConfig("load", "of_tomorrow", "load.tty", "1")

    with pytest.raises(ConfigError, match="simulated is only bk_8514, itech_it8514c"):
        fitting.check(unknown)


def test_a_bench_of_every_role_is_served_whole(tmp_path: Path) -> None:
    more = ["itech_it8514c", "jbd_bms", "eletechsup_r4dcb08"]
    folder = Folder(cells=[cell()], supply_driver="ea_ps_9080_60_t", more=more)
    with simulated_bench(tmp_path, folder=folder) as bench:
        roles = [instrument.role for instrument in bench.config.instruments]

        assert roles == ["supply", "meter", "scanner", "load", "bms", "thermometer"]
        assert all((tmp_path / f"{role}.tty").exists() for role in roles[3:])
        assert set(bench.hands.state()["faults"]) == set(roles)


def test_a_world_that_begins_again_says_so(tmp_path: Path) -> None:
    for _ in range(2):
        with simulated_bench(tmp_path) as bench:
            assert bench.hands.state()["output"] is False

    assert [record["on"] for record in bench.truth("start")] == [False, False]


BROKEN = """
import sys
from pathlib import Path
from stations.model.bank import Bank
from stations.drivers.registry import DRIVERS
from stations.sim.bench import simulate
from stations.sim.fitting import SIMULATED
advance = Bank.advance
Bank.advance = lambda self, s, supply: 1 / 0 if supply else advance(self, s, supply)
sys.exit(simulate(Path(sys.argv[1])))
"""


def test_ends_with_the_relay_open_when_a_part_of_it_dies(tmp_path: Path) -> None:
    with simulated_bench(tmp_path, program=BROKEN) as bench:
        supply = Rtu(bench.supply_tty)
        supply.send(bytes.fromhex("01 06 00 12 00 01 E8 0F"))

        assert bench.process.wait(timeout=10) == 1

        supply.close()
        assert [record["on"] for record in bench.truth("relay")] == [True, False]


def refusal(folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    kept = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    try:
        assert simulate(folder / "bench.toml") == 2
    finally:
        for number, handler in zip(
            (signal.SIGTERM, signal.SIGINT, signal.SIGHUP), kept, strict=True
        ):
            signal.signal(number, handler)
    return capfd.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[101]", "[101, 102]", "2 channels for 1 cells"),
        ("[101]", "[201]", "fitted are 101 to 120"),
        ("riden_rd6018", "ea_ps_9080_60_t", "simulated is only TCPIP0::127.0.0.1"),
        ('"supply.tty"', '"TCPIP0::127.0.0.1::1::SOCKET"', "simulated is only a path"),
        ('[clock]\nsimulated = "clock"\n', "", "[clock] is missing"),
        ('"00012345"', '"12AB"', "says one like 00012345"),
    ],
)
def test_refuses_a_bench_it_cannot_play(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    bench_toml = write_folder(tmp_path, Folder(cells=[cell()]), Ports(41001, 41002, 0))
    text = bench_toml.read_text()
    assert old in text
    bench_toml.write_text(text.replace(old, new))

    assert words in refusal(tmp_path, capfd)


def test_refuses_a_wrong_world(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path, Folder(cells=[cell()]), Ports(41001, 41002, 0))
    (tmp_path / "world.toml").write_text("speed = 240.0\n")

    assert "cells must be a list" in refusal(tmp_path, capfd)


def test_refuses_a_world_that_is_not_utf_8(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, Folder(cells=[cell()]), Ports(41001, 41002, 0))
    (tmp_path / "world.toml").write_bytes(b'speed = "\xff"\n')

    assert "can't decode byte 0xff" in refusal(tmp_path, capfd)


@pytest.mark.parametrize(
    ("old", "name", "words"),
    [
        ('"supply.tty"', "precious.txt", "is not the port of a simulator"),
        ('"supply.tty"', "world.toml", "is not the port of a simulator"),
        ('simulated = "clock"', "precious.txt", "is not the clock of a simulator"),
    ],
)
def test_leaves_what_others_put_into_the_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, name: str, words: str
) -> None:
    bench_toml = write_folder(tmp_path, Folder(cells=[cell()]), free_ports())
    (tmp_path / "precious.txt").write_text("mine")
    key = old.partition('"')[0]
    bench_toml.write_text(bench_toml.read_text().replace(old, f'{key}"{name}"'))
    before = (tmp_path / name).read_bytes()

    assert words in refusal(tmp_path, capfd)

    assert (tmp_path / name).read_bytes() == before


def test_clears_away_the_port_of_a_dead_simulator(tmp_path: Path) -> None:
    (tmp_path / "supply.tty").symlink_to("/dev/pts/987654")
    with simulated_bench(tmp_path) as bench:
        assert bench.supply_tty.exists()


def test_free_ports_differ() -> None:
    ports = free_ports()

    assert len({ports.meter, ports.scanner, ports.hands, ports.supply}) == 4
