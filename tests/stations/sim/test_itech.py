"""The IT8514C+ on a raw serial line and through its driver: frames, modes, its own ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stations.drivers.protocols import Refused
from stations.sim.folder import Folder
from stations.values import Cutoff
from tests.stations.sim.driven import driving
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import SILENCE_S, Inside, Rtu, inside
from tests.wait import wait_until

REMOTE = "AA 00 20 01 | CB"
ON, OFF = "AA 00 21 01 | CC", "AA 00 21 00 | CB"
CC_40_A = "AA 00 2A 80 1A 06 00 | 74"
DONE, BAD_SUM, CANNOT = "AA 00 12 80 | 3C", "AA 00 12 90 | 4C", "AA 00 12 B0 | 6C"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Inside]:
    """A cell of 200 Ah near its end, and a load on it."""
    folder = Folder(cells=[cell(soc=0.03)], more=["itech_it8514c"], speed=120.0)
    with inside(tmp_path, folder) as running:
        running.hands.post("/links/on")
        yield running


@pytest.fixture
def line(bench: Inside) -> Iterator[Rtu]:
    client = Rtu(bench.path / "load.tty")
    yield client
    client.close()


def frame(text: str) -> bytes:
    """`AA 00 20 01 | CB` with zeros in between: a whole frame."""
    head, tail = text.split("|")
    return bytes.fromhex(head).ljust(25, b"\0") + bytes.fromhex(tail)


def ask(line: Rtu, text: str) -> bytes:
    line.send(frame(text))
    return line.hear(26)


def drawing(bench: Inside) -> list[bool]:
    return [record["drawing"] for record in bench.truth("load")]


def test_takes_the_published_frames(line: Rtu) -> None:
    for text in (REMOTE, "AA 00 28 00 | D2", CC_40_A, "AA 00 4E C4 09 00 00 | C5"):
        assert ask(line, text) == frame(DONE)
    assert ask(line, "AA 00 5D 04 | 0B") == frame(DONE)

    assert ask(line, "AA 00 2B | D5")[3:7] == bytes.fromhex("80 1A 06 00")
    assert ask(line, "AA 00 6A | 14")[3:20] == b"8514C\x12\x018000123456"


def test_obeys_nothing_before_remote_control(line: Rtu) -> None:
    assert ask(line, CC_40_A) == frame(CANNOT)


def test_names_a_bad_check_sum(line: Rtu) -> None:
    line.send(frame("AA 00 20 01 | CC"))

    assert line.hear(26) == frame(BAD_SUM)


def test_passes_over_what_is_no_frame(line: Rtu) -> None:
    line.send(b"\x07\x08")
    assert line.hear(1, SILENCE_S) == b""

    assert ask(line, REMOTE) == frame(DONE)


def test_draws_and_shows_it(bench: Inside, line: Rtu) -> None:
    for text in (REMOTE, CC_40_A, ON):
        ask(line, text)

    state = ask(line, "AA 00 5F | 09")

    assert int.from_bytes(state[7:11], "little") == 400_000
    assert state[15] & 0x0C == 0x0C
    assert drawing(bench) == [True]
    assert bench.hands.state()["load_current_a"] == 40.0


def test_a_load_that_counts_by_tens_draws_ten_times_what_it_is_set_to_and_shows(
    bench: Inside, line: Rtu
) -> None:
    bench.hands.fault("load", "tenfold")
    for text in (REMOTE, CC_40_A, ON):
        ask(line, text)

    state = ask(line, "AA 00 5F | 09")

    assert ask(line, "AA 00 2B | D5")[3:7] == bytes.fromhex("80 1A 06 00")
    assert bench.hands.state()["load_current_a"] == pytest.approx(
        10 * int.from_bytes(state[7:11], "little") / 10_000, rel=1e-3
    )
    assert bench.hands.state()["load_current_a"] > 40.0


def test_a_load_that_ignores_off_goes_on_drawing(bench: Inside, line: Rtu) -> None:
    for text in (REMOTE, CC_40_A, ON):
        ask(line, text)
    bench.hands.fault("load", "refuse_off")

    assert ask(line, OFF) == frame(DONE)

    assert drawing(bench) == [True]


def test_a_panel_that_holds_it_refuses_remote_control(bench: Inside) -> None:
    bench.hands.fault("load", "local")
    with driving(bench, "load") as load, pytest.raises(Refused, match="carried out"):
        load.prepare()


def test_the_driver_discharges_a_cell_to_the_cut_off(bench: Inside) -> None:
    """B9: 0.2C to 2.50 V, and the load is off by itself."""
    with driving(bench, "load") as load:
        load.prepare()
        load.protect(Cutoff(voltage_v=2.5, duration_s=7200.0))
        load.apply(40.0)
        load.output(True)
        state = load.read()

        assert (state.output_on, state.regulation, state.drawn_a) == (True, "CC", 40.0)
        wait_until(lambda: not load.read().output_on, within_s=60, what="the load's own cut-off")

        assert drawing(bench) == [True, False]
        assert load.read().drawn_a == 0.0
        assert bench.hands.state()["cells"][0]["soc"] < 0.03


def test_a_load_that_nobody_speaks_to_any_more_ends_by_itself(bench: Inside) -> None:
    with driving(bench, "load") as load:
        load.prepare()
        load.protect(Cutoff(voltage_v=2.5, duration_s=60.0))
        load.apply(4.0)
        load.output(True)

        wait_until(lambda: drawing(bench) == [True, False], what="the load's own timer")


def test_the_driver_holds_a_cell_at_a_voltage(bench: Inside) -> None:
    """B9: CV within a current; what is drawn falls as the cell gives less, and never to below."""
    with driving(bench, "load") as load:
        load.prepare()
        load.hold(Cutoff(voltage_v=2.9, duration_s=36_000.0), 10.0)
        load.output(True)
        at_first = load.read()
        assert (at_first.output_on, at_first.level_a, at_first.drawn_a) == (True, 10.0, 10.0)

        wait_until(lambda: load.read().drawn_a < 4.0, within_s=60, what="the cell gives less")
        held = load.read()

        assert (held.output_on, held.regulation) == (True, "CV")
        assert held.voltage_v == pytest.approx(2.9, abs=0.002)
        assert load.read_protection() == Cutoff(2.9, 36_000.0)
        assert drawing(bench) == [True]


def test_a_load_that_does_not_regulate_goes_on_drawing_below_what_it_should_hold(
    bench: Inside,
) -> None:
    bench.hands.fault("load", "runaway")
    with driving(bench, "load") as load:
        load.prepare()
        load.hold(Cutoff(voltage_v=3.2, duration_s=36_000.0), 40.0)
        load.output(True)

        wait_until(lambda: load.read().voltage_v < 2.6, within_s=60, what="it draws on")
        assert load.read().drawn_a == 40.0


def test_its_battery_test_draws_a_constant_current_in_whatever_mode(line: Rtu) -> None:
    for text in (REMOTE, "AA 00 28 01 | D3", "AA 00 5D 04 | 0B", CC_40_A, ON):
        ask(line, text)

    state = ask(line, "AA 00 5F | 09")

    assert ask(line, "AA 00 29 | D3")[3] == 1
    assert int.from_bytes(state[7:11], "little") == 400_000
    assert state[16] & 0xC0 == 0x40  # CC


def test_no_current_is_set_above_the_most_that_is_allowed_nor_that_below_it(line: Rtu) -> None:
    """So the driver makes room first, and takes the level away before it limits."""
    most_10_a, most_50_a = "AA 00 24 A0 86 01 00 | F5", "AA 00 24 20 A1 07 00 | 96"
    bad_value = frame("AA 00 12 A0 | 5C")
    ask(line, REMOTE)

    assert ask(line, most_50_a) == frame(DONE)
    assert ask(line, CC_40_A) == frame(DONE)
    assert ask(line, most_10_a) == bad_value
    assert ask(line, "AA 00 2A 60 F7 07 00 | 32") == bad_value  # 52.2 A


def test_closing_its_driver_leaves_it_off(bench: Inside) -> None:
    with driving(bench, "load") as load:
        load.prepare()
        load.protect(Cutoff(voltage_v=2.5, duration_s=7200.0))
        load.apply(40.0)
        load.output(True)

    assert drawing(bench) == [True, False]
