"""The JBD BMS on a raw serial line and through its driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stations.sim.folder import Folder
from stations.values import Protection, Setpoint
from tests.stations.sim.driven import driving
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import SILENCE_S, Inside, Rtu, inside

ASK_NAME = bytes.fromhex("DD A5 05 00 FF FB 77")
BOTH_OFF = bytes.fromhex("DD 5A E1 02 00 03 FF 1A 77")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Inside]:
    cells = [cell(soc=soc) for soc in (0.2, 0.5, 0.7, 0.9)]
    with inside(tmp_path, Folder(cells=cells, more=["jbd_bms", "itech_it8514c"])) as running:
        yield running


@pytest.fixture
def awake(bench: Inside) -> Iterator[Rtu]:
    client = Rtu(bench.path / "bms.tty")
    client.send(ASK_NAME)
    assert client.hear(1, SILENCE_S) == b""
    yield client
    client.close()


def ask(line: Rtu, request: bytes) -> bytes:
    line.send(request)
    head = line.hear(4)
    return head + line.hear(head[3] + 3)


def test_sleeps_until_it_is_asked_twice(awake: Rtu) -> None:
    assert ask(awake, ASK_NAME)[4:-3] == b"JBD-SP04S020-0042"


def test_passes_over_a_bad_check_sum(awake: Rtu) -> None:
    awake.send(ASK_NAME.replace(b"\xfb", b"\xfc"))

    assert awake.hear(1, SILENCE_S) == b""


def test_refuses_a_register_it_does_not_have(awake: Rtu) -> None:
    assert ask(awake, bytes.fromhex("DD A5 AB 00 FF 55 77")) == bytes.fromhex(
        "DD AB 80 00 FF 80 77"
    )


def test_opens_both_ways_when_it_is_told_to(bench: Inside, awake: Rtu) -> None:
    assert ask(awake, BOTH_OFF) == bytes.fromhex("DD E1 00 00 00 00 77")

    with driving(bench, "bms") as bms:
        state = bms.read()
        assert (state.charge_on, state.discharge_on) == (False, False)
        assert state.protections == {"MOS lock"}


def test_the_driver_wakes_it_and_sees_every_cell(bench: Inside) -> None:
    with driving(bench, "bms") as bms:
        assert bms.identify().serial_number == "JBD-SP04S020-0042"

        state = bms.read()

        truth = [known["voltage_v"] for known in bench.hands.state()["cells"]]
        assert state.cell_volts == pytest.approx(truth, abs=0.001)
        assert state.pack_voltage_v == pytest.approx(sum(truth), abs=0.01)
        assert state.temperatures_c == (25.0, 25.0)


def test_its_current_is_negative_out_of_the_cells(bench: Inside) -> None:
    bench.hands.post("/links/on")
    load = Rtu(bench.path / "load.tty")
    for data in ("20 01", "2A 80 1A 06 00", "21 01"):
        body = bytes.fromhex(f"AA 00 {data}").ljust(25, b"\0")
        load.send(body + bytes((sum(body) % 256,)))
        load.hear(26)

    with driving(bench, "bms") as bms:
        assert bms.read().current_a == -40.0

    load.close()


def test_tells_its_setting_in_factory_mode_only(bench: Inside, awake: Rtu) -> None:
    assert ask(awake, bytes.fromhex("DD A5 24 00 FF DC 77"))[2] == 0x80

    with driving(bench, "bms") as bms:
        assert bms.cell_over_v() == 3.65

    assert ask(awake, bytes.fromhex("DD A5 24 00 FF DC 77"))[2] == 0x80


def test_its_open_switch_lets_no_current_into_the_string(bench: Inside, awake: Rtu) -> None:
    """B10: the supply then stands at its set-point, above the string."""
    bench.hands.post("/string/on")
    with driving(bench, "supply") as supply:
        supply.prepare()
        supply.protect(Protection(ovp_v=14.7, ocp_a=15.0))
        supply.apply(Setpoint(voltage_v=14.6, current_a=10.0))
        supply.output(True)
        charged = bench.hands.state()

        ask(awake, BOTH_OFF)
        opened = bench.hands.state()
        supply.output(False)

    assert charged["series"]
    assert [known["current_a"] for known in charged["cells"]] == pytest.approx([10.0] * 4)
    assert opened["bms_open"]
    assert opened["supply_current_a"] == 0.0
    assert opened["supply_voltage_v"] == pytest.approx(14.6, abs=0.01)


def test_cells_in_parallel_are_not_put_in_series_at_a_stroke(bench: Inside) -> None:
    bench.hands.post("/links/on")

    with pytest.raises(httpx.HTTPStatusError, match="409"):
        bench.hands.post("/string/on")
