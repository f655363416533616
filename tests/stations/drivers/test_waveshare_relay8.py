"""The relay board, frame by frame.

The frames are those of the maker's wiki page; none was recorded from a board of our own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.drivers.protocols import (
    InstrumentSilent,
    OutOfRange,
    Refused,
    RelayState,
    WrongInstrument,
)
from stations.drivers.waveshare_relay8 import WaveshareRelay8
from tests.stations.drivers.case import answer
from tests.stations.drivers.cases import RELAY_IDENTIFY, RELAY_READ
from tests.stations.drivers.transcript import Pair, frames, on_pty, playing

HOLD_700_MS, HOLD_2_FOR_800_MS, RELEASE = frames(
    ("01 05 02 00 00 07 8D B0", "01 05 02 00 00 07 8D B0"),
    ("01 05 02 01 00 08 9C 74", "01 05 02 01 00 08 9C 74"),
    ("01 05 00 00 00 00 CD CA", "01 05 00 00 00 00 CD CA"),
)


def board(path: str, *, address: int = 1, timeout_s: float = 10.0) -> WaveshareRelay8:
    return WaveshareRelay8(path, address=address, timeout_s=timeout_s)


def test_reads_the_published_state() -> None:
    with playing(on_pty([RELAY_IDENTIFY, RELAY_READ])) as player:
        relays = board(player.resource)

        assert relays.read() == RelayState(frozenset({1, 3}), "01 01 01 05 91 8b")

        relays.close()


def test_holds_and_releases_as_published() -> None:
    script = [RELAY_IDENTIFY, HOLD_700_MS, HOLD_2_FOR_800_MS, HOLD_700_MS, RELEASE]
    with playing(on_pty([*script, *frames(("01 05 00 01 00 00 9C 0A",) * 2)])) as player:
        relays = board(player.resource)

        relays.hold(1, 0.7)
        relays.hold(2, 0.8)
        relays.hold(1, 0.799)  # never longer than was asked for
        relays.release(1)

        relays.close()


def test_release_goes_out_before_anything_else() -> None:
    with playing(on_pty([RELEASE, RELAY_IDENTIFY, RELAY_READ])) as player:
        relays = board(player.resource)

        relays.release(1)
        relays.read()

        relays.close()


def test_a_hold_without_an_answer_is_never_repeated() -> None:
    """The board may have obeyed: closing releases the relay all the same."""
    script = [RELAY_IDENTIFY, replace(HOLD_700_MS, answered=b""), RELEASE]
    with playing(on_pty(script)) as player:
        relays = board(player.resource, timeout_s=0.6)

        with pytest.raises(InstrumentSilent):
            relays.hold(1, 0.7)

        relays.close()


def test_asks_at_its_own_address() -> None:
    script = frames(("07 03 80 00 00 01 AD AC", "07 03 02 00 C8 31 D2"))
    with playing(on_pty(script)) as player:
        relays = board(player.resource, address=7)

        assert relays.identify().serial_number == "unit-7"

        relays.close()


@pytest.mark.parametrize("address", [0, 248, -1])
def test_there_is_no_board_at_everybodys_address(address: int) -> None:
    with pytest.raises(OutOfRange, match=r"outside 1\.\.247"):
        board("/dev/null", address=address)


def test_the_older_protocol_is_refused() -> None:
    old = replace(RELAY_IDENTIFY, answered=answer(RELAY_IDENTIFY.sent, 199))
    with playing(on_pty([old])) as player:
        relays = board(player.resource)

        with pytest.raises(WrongInstrument, match=r"expected protocol version 2\.00"):
            relays.prepare()

        relays.close()


def test_an_adapter_that_echoes_is_refused() -> None:
    """Its echo would acknowledge every write, whether a board is there or not."""
    echo = replace(RELAY_IDENTIFY, answered=RELAY_IDENTIFY.sent + RELAY_IDENTIFY.answered)
    with playing(on_pty([echo])) as player:
        relays = board(player.resource)

        with pytest.raises(Refused, match="switch its echo off"):
            relays.prepare()

        relays.close()


def test_an_illegal_address_is_a_refusal() -> None:
    body = bytes.fromhex("01 85 02")
    crc = bytes.fromhex("C3 51")
    with playing(on_pty([RELAY_IDENTIFY, Pair(HOLD_700_MS.sent, body + crc), RELEASE])) as player:
        relays = board(player.resource)

        with pytest.raises(Refused, match="exception 2"):
            relays.hold(1, 0.7)

        relays.close()
