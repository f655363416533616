"""The R4DCB08 logger through its driver and on a raw serial line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from stations.sim.folder import Folder
from tests.stations.sim.driven import driving
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, Rtu, inside


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Inside]:
    folder = Folder(cells=[cell()] * 3, more=["eletechsup_r4dcb08"], temperature_c=31.4)
    with inside(tmp_path, folder) as running:
        yield running


@pytest.fixture
def line(bench: Inside) -> Iterator[Rtu]:
    client = Rtu(bench.path / "thermometer.tty")
    yield client
    client.close()


def test_the_driver_reads_a_probe_on_each_cell(bench: Inside) -> None:
    with driving(bench, "thermometer") as logger:
        logger.prepare()

        celsius = logger.measure().celsius

        assert logger.identify().serial_number == "001"
        assert celsius[:3] == (31.4, 31.4, 31.4)
        assert all(math.isnan(missing) for missing in celsius[3:])


def test_tells_its_address_to_anyone(line: Rtu) -> None:
    assert line.ask("FF 03 00 FE 00 01") == "01 03 02 00 01"


def test_a_correction_is_added(line: Rtu) -> None:
    line.write(0x08, 0xFFF6)  # -1.0 degC

    assert line.read(0x00, 4) == (304, 314, 314, 0x8000)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("01 03 00 10 00 01", "01 83 02"),
        ("01 06 00 FE 00 07", "01 86 02"),
        ("01 04 00 00 00 08", "01 84 01"),
    ],
)
def test_names_what_it_does_not_have(line: Rtu, body: str, answer: str) -> None:
    assert line.ask(body) == answer
