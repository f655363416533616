"""Waveshare "Modbus RTU Relay", 8 channels: Modbus RTU on RS-485, 9,600 baud 8N1.

Source: the maker's wiki page of that name (development protocol V2) and the map that
nobrega8/mbmap-library made of it.  Relays 1 to 8 are coils 0 to 7; a write to coil 0x200 + n
closes relay n for as many tenths of a second as its value says.  Boards sold before September
2021 speak an older protocol and are refused by their version.  The contacts bear 10 A: they
drive the coil of a contactor and carry no bank current.

The board has no serial number.  Who it is, is the Modbus address that the shop gave it, together
with a version register that answers as this family does: give each board an address of its own,
and a board in another's place stays silent.

There is no command here that closes a relay for good.  Assumed, for no source says so, and
proven by whoever relies on it: a timed closing that is sent again before its time is over begins
that time anew, without a gap; opening ends it.  A relay's state is its coil's: a contactor whose
own contacts have welded reads open.  An adapter that echoes would seem to acknowledge every
write, so it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from stations.drivers import modbus
from stations.drivers.protocols import (
    InstrumentError,
    OutOfRange,
    Refused,
    RelayState,
    WrongInstrument,
)
from stations.drivers.transport import SerialLink, always, twice
from stations.values import Identity, RelayRatings

BAUD = 9_600
CHANNELS = 8
VERSION = 0x8000  # register: protocol version x 100
VERSION_MIN = 200
FLASH_ON = 0x200  # + coil; its value is a time in tenths of a second
TENTHS_MAX = 0x7FFF
ADDRESSES = range(1, 248)

RATINGS = RelayRatings(model="Relay8", channels=CHANNELS, hold_max_s=TENTHS_MAX / 10)


class WaveshareRelay8:
    """The board that answers at `address`."""

    def __init__(self, path: str, *, address: int, timeout_s: float) -> None:
        if address not in ADDRESSES:
            raise OutOfRange(f"address {address} is outside 1..247; set another on the board")
        self.ratings = RATINGS
        self.may_repeat: Callable[[], bool] = always
        self._address = address
        self._link = SerialLink(path, BAUD, timeout_s)
        self._known: Identity | None = None
        self._session = 0  # the link's session in which the identity was seen
        self._held: set[int] = set()  # channels that we closed and have not opened

    def identify(self) -> Identity:
        return twice(self._identify, self.may_repeat)

    def prepare(self) -> None:
        self.identify()

    def read(self) -> RelayState:
        return twice(self._read_once, self.may_repeat)

    def hold(self, channel: int, seconds: float) -> None:
        """Close a channel for `seconds`, rounded down to tenths; again begins the time anew."""
        if not 0.1 <= seconds <= self.ratings.hold_max_s:
            raise OutOfRange(f"{seconds} s is outside 0.1..{self.ratings.hold_max_s:g} s")
        coil = _coil(channel)
        self._synchronise()
        self._held.add(channel)
        self._write(FLASH_ON + coil, int(seconds * 10 + 1e-6))

    def release(self, channel: int) -> None:
        """Open a channel; the command goes out first thing even on a link just made."""
        self._write(_coil(channel), 0)
        self._held.discard(channel)

    def reopen(self) -> None:
        self._link.reopen()

    def close(self) -> None:
        """Open what we closed, as far as the link still allows, and let the port go."""
        for channel in tuple(self._held):
            with suppress(InstrumentError):
                self.release(channel)
        self._link.close()

    def _identify(self) -> Identity:
        request = modbus.read_request(self._address, VERSION, 1)
        (version,) = self._link.exchange(request, lambda heard: _at_end(request, heard)).registers
        seen = Identity(
            role="relay",
            model=self.ratings.model,
            serial_number=f"unit-{self._address}",
            firmware=f"{version // 100}.{version % 100:02d}",
        )
        if version < VERSION_MIN or self._known not in (None, seen):
            expected = self._known or f"protocol version {VERSION_MIN / 100:.2f} or later"
            raise WrongInstrument(f"expected {expected}, found {seen}; check which cable is where")
        self._known = seen
        self._session = self._link.session
        return seen

    def _synchronise(self) -> None:
        """On a new connection see the identity first: it also outlives every late answer."""
        if not self._link.session or self._session != self._link.session:
            self._identify()

    def _read_once(self) -> RelayState:
        self._synchronise()
        coils, raw = self._exchange(modbus.read_coils_request(self._address, 0, CHANNELS))
        closed = frozenset(channel for channel, coil in enumerate(coils, start=1) if coil)
        return RelayState(closed, raw.hex(" "))

    def _write(self, coil: int, value: int) -> None:
        # Never retried: the board may have obeyed and lost only the answer.
        self._exchange(modbus.write_coil_request(self._address, coil, value))

    def _exchange(self, request: bytes) -> modbus.Answer:
        return self._link.exchange(request, lambda heard: modbus.answer(request, heard))


def _at_end(request: bytes, heard: bytes) -> modbus.Answer | None:
    if request in heard:
        raise Refused("the RS-485 adapter echoes what is sent: switch its echo off")
    return modbus.answer_at_end(request, heard)


def _coil(channel: int) -> int:
    if channel not in range(1, CHANNELS + 1):
        raise OutOfRange(f"channel {channel} is outside 1..{CHANNELS}; the board has no other")
    return channel - 1
