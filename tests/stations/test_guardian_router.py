"""Break before make: every route is seen open before one closes, and it alone is held.

A scripted relay board stands in for boards and contacts that do something else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from stations.drivers.protocols import InstrumentSilent, RelayState
from stations.drivers.transport import always
from stations.drivers.waveshare_relay8 import RATINGS
from stations.guardian.router import HOLD_S, RouterHand
from stations.guardian.switched import Overtaken, ReadBackDiffers
from stations.values import Identity, RelayRatings
from tests.stations.scripted_device import ScriptedDevice

CHANNELS = (3, 4, 5)  # of cells 1, 2, 3


@dataclass
class Board(ScriptedDevice):
    """A relay board; `welded` channels never open, `dead` ones never close."""

    closed: set[int] = field(default_factory=set)
    welded: frozenset[int] = frozenset()
    dead: frozenset[int] = frozenset()
    also: int = 0  # a channel that closes with any other
    ratings: RelayRatings = RATINGS

    def identify(self) -> Identity:
        return Identity("relay", "Relay8", "unit-2", "2.00")

    def read(self) -> RelayState:
        self.exchange("read")
        return RelayState(frozenset(self.closed), "")

    def hold(self, channel: int, seconds: float) -> None:
        self.exchange(f"hold {channel} {seconds:g}")
        self.closed |= {channel, self.also} - self.dead - {0}

    def release(self, channel: int) -> None:
        self.exchange(f"release {channel}")
        self.closed -= {channel} - self.welded


def hand(board: Board) -> RouterHand:
    return RouterHand(board, CHANNELS)


def no() -> bool:
    return False


def test_the_old_route_is_seen_open_before_the_new_one_closes() -> None:
    board = Board(closed={3})

    hand(board).route(2, always)

    moves = ["read", "release 3", "read", f"hold 4 {HOLD_S:g}", "read"]
    assert board.sent == moves
    assert board.closed == {4}


def test_a_route_that_stays_closed_keeps_every_other_open() -> None:
    board = Board(closed={3}, welded=frozenset({3}))

    with pytest.raises(ReadBackDiffers, match="told to open and reads back the route of cell 1"):
        hand(board).route(2, always)

    assert board.closed == {3}
    assert not [words for words in board.sent if words.startswith("hold")]


def test_a_route_that_does_not_close_is_named() -> None:
    with pytest.raises(ReadBackDiffers, match="told the route of cell 2 and reads back every"):
        hand(Board(dead=frozenset({4}))).route(2, always)


def test_two_routes_at_once_are_both_opened_and_named() -> None:
    board = Board(also=5)

    with pytest.raises(ReadBackDiffers, match="reads back the route of cell 2 and 3"):
        hand(board).route(2, always)

    assert board.closed == set()


def test_a_channel_that_is_no_route_is_left_alone() -> None:
    board = Board(closed={1, 3})

    hand(board).part()

    assert board.closed == {1}


def test_a_route_that_fell_open_is_not_closed_again() -> None:
    board = Board()

    with pytest.raises(ReadBackDiffers, match="reads back every route open"):
        hand(board).hold(2, always)

    assert board.sent == ["read"]


def test_nothing_closes_when_off_was_asked_for_meanwhile() -> None:
    board = Board()

    with pytest.raises(Overtaken):
        hand(board).route(2, no)

    assert board.closed == set()


def test_opening_is_sent_again_on_a_new_link_after_a_silence() -> None:
    board = Board(closed={3}, silent=1)

    hand(board).part()

    assert "reopen" in board.sent
    assert board.closed == set()


def test_a_board_that_falls_silent_once_closed_leaves_an_error() -> None:
    board = Board(silent=2)

    with pytest.raises(InstrumentSilent):
        hand(board).part()
