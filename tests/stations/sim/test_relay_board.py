"""The relay board on a raw serial line: coils, timers, and the contactor behind relay 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stations.clock import guard_s
from stations.sim.folder import Folder
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, Rtu, inside
from tests.wait import wait_until


class Board:
    def __init__(self, bench: Inside) -> None:
        self.bench = bench
        self.line = Rtu(bench.path / "relay.tty")

    def write(self, coil: int, value: int) -> None:
        body = f"01 05 {coil:04x} {value:04x}"
        assert bytes.fromhex(self.line.ask(body)) == bytes.fromhex(body)

    def closed(self) -> int:
        """The eight coils, the first in the lowest bit."""
        return bytes.fromhex(self.line.ask("01 01 00 00 00 08"))[3]

    def contactor(self) -> list[bool]:
        return [record["closed"] for record in self.bench.truth("contactor")]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with inside(tmp_path / "bench", Folder(cells=[cell()], relay=True)) as bench:
        board = Board(bench)
        yield board
        board.line.close()


def test_wakes_with_every_relay_open(board: Board) -> None:
    assert board.closed() == 0
    assert board.bench.hands.state()["contactor"] == "open"
    assert board.bench.truth("start")[0]["closed"] is False


def test_tells_its_version(board: Board) -> None:
    assert board.line.ask("01 03 80 00 00 01") == "01 03 02 00 c8"


def test_opens_and_closes_one_relay_and_all(board: Board) -> None:
    seen = []
    for coil, value in ((2, 0xFF00), (0, 0x5500), (2, 0), (0xFF, 0xFF00), (0xFF, 0)):
        board.write(coil, value)
        seen.append(board.closed())

    assert seen == [0b100, 0b101, 0b001, 0xFF, 0]
    assert board.contactor() == [True, False]


def test_takes_many_coils_at_once(board: Board) -> None:
    assert board.line.ask("01 0F 00 00 00 08 01 05") == "01 0f 00 00 00 08"

    assert board.closed() == 0b101


def test_a_relay_that_was_closed_for_a_time_opens_by_itself(board: Board) -> None:
    began_s = guard_s()
    board.write(0x200, 3)
    assert board.closed() == 1

    wait_until(lambda: board.closed() == 0)

    assert guard_s() - began_s >= 0.3
    assert board.contactor() == [True, False]


def test_closing_it_again_begins_its_time_anew(board: Board) -> None:
    began_s = guard_s()
    board.write(0x200, 300)
    board.write(0x200, 3)

    wait_until(lambda: board.contactor() == [True, False])

    assert 0.3 <= guard_s() - began_s < 30


def test_opening_ends_its_time(board: Board) -> None:
    board.write(0x200, 2)
    board.write(0, 0)
    board.write(0, 0xFF00)  # for good

    wait_until(lambda: board.bench.hands.state()["contactor"] == "closed")
    board.write(0x201, 4)  # another relay's timer, longer than what was left of the first's
    wait_until(lambda: board.closed() == 1)

    assert board.contactor() == [True, False, True]


def test_a_relay_that_was_opened_for_a_time_closes_again(board: Board) -> None:
    board.write(0x401, 2)

    wait_until(lambda: board.closed() == 0b10)


def test_without_its_timer_it_stays_closed_until_it_is_told(board: Board) -> None:
    board.bench.hands.fault("relay", "no_timer")
    board.write(0x200, 1)
    board.write(0x201, 1)

    board.bench.hands.fault("relay", "none")
    board.write(0x202, 2)
    wait_until(lambda: board.closed() == 0b011)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("01 01 00 01 00 08", "01 81 02"),
        ("01 03 00 00 00 01", "01 83 02"),
        ("01 05 00 08 FF 00", "01 85 02"),
        ("01 05 03 00 00 05", "01 85 02"),
        ("01 05 00 00 12 34", "01 85 03"),
        ("01 05 02 00 00 00", "01 85 03"),
        ("01 06 00 00 00 01", "01 86 01"),
    ],
)
def test_names_what_it_cannot_do(board: Board, request_: str, answer: str) -> None:
    assert board.line.ask(request_) == answer
    assert board.closed() == 0


def test_a_silent_board_still_opens_in_time(board: Board) -> None:
    board.write(0x200, 3)
    board.bench.hands.fault("relay", "silence")

    assert board.line.is_silent_to("01 01 00 00 00 08")
    wait_until(lambda: board.contactor() == [True, False])


def test_every_relay_opens_when_its_power_goes(tmp_path: Path) -> None:
    with inside(tmp_path, Folder(cells=[cell()], relay=True)) as bench:
        board = Board(bench)
        board.write(0, 0xFF00)
        board.line.close()

    assert [record["closed"] for record in bench.truth("contactor")] == [True, False]
