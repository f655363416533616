"""The KA3005P on a raw serial line: no terminators, dropped commands, silent refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stations.sim.folder import Folder
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import SILENCE_S, Inside, Rtu, inside


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path, Folder(cells=[cell()], supply_driver="korad_ka3005p")) as running:
        yield running


def ask(korad: Rtu, question: bytes, length: int) -> bytes:
    korad.send(question)
    return korad.hear(length)


def tell(korad: Rtu, command: bytes) -> None:
    korad.send(command)
    assert korad.hear(1, SILENCE_S) == b""


def test_answers_without_an_end(bench: Inside) -> None:
    assert ask(bench.supply, b"*IDN?", 30) == b"KORAD KA3005P V5.8 SN:00012345"
    assert ask(bench.supply, b"VSET1?", 5) == b"05.00"
    assert ask(bench.supply, b"ISET1?", 6) == b"1.000\x00"
    assert ask(bench.supply, b"VOUT1?", 5) == b"00.00"
    assert ask(bench.supply, b"STATUS?", 1) == b"\x11"


def test_drops_a_command_that_comes_too_soon(bench: Inside) -> None:
    tell(bench.supply, b"VSET1:03.65ISET1:2.000")

    assert ask(bench.supply, b"VSET1?", 5) == b"03.65"
    assert ask(bench.supply, b"ISET1?", 6) == b"1.000\x00"


def test_ignores_a_value_beyond_its_rating(bench: Inside) -> None:
    tell(bench.supply, b"VSET1:31.00")
    tell(bench.supply, b"ISET1:5.100")

    assert ask(bench.supply, b"VSET1?", 5) == b"05.00"
    assert ask(bench.supply, b"ISET1?", 6) == b"1.000\x00"


def test_takes_a_value_that_is_not_padded(bench: Inside) -> None:
    tell(bench.supply, b"VSET1:3.65")

    assert ask(bench.supply, b"VSET1?", 5) == b"03.65"


def test_shows_its_state_in_one_byte(bench: Inside) -> None:
    bench.hands.post("/links/on")
    for command in (b"VSET1:03.65", b"ISET1:2.000", b"BEEP0", b"OUT1"):
        tell(bench.supply, command)

    assert ask(bench.supply, b"STATUS?", 1) == b"\x40"
    assert ask(bench.supply, b"IOUT1?", 5) == b"2.000"


def test_its_protections_trip_at_the_set_point(bench: Inside) -> None:
    bench.hands.post("/links/on")
    for command in (b"VSET1:03.65", b"ISET1:2.000", b"OUT1", b"OCP1"):
        tell(bench.supply, command)

    assert ask(bench.supply, b"STATUS?", 1) == b"\x31"
    assert bench.truth("relay")[-1]["tripped"] == "OCP"


def test_recalls_a_memory(bench: Inside) -> None:
    for command in (b"VSET1:03.60", b"SAV2", b"VSET1:03.65", b"RCL2"):
        tell(bench.supply, command)

    assert ask(bench.supply, b"VSET1?", 5) == b"03.60"
