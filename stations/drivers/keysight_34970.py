"""Keysight 34972A scanner with 34901A multiplexers, one DC voltage per channel; SCPI on LAN.

Commands from the "34970A/34972A Command Reference".  Readings come in ascending order of
channels whatever order was asked for, so they are put back into bank order here.  Channels are
only ever scanned (break before make); ROUTe:CLOSe could tie two cells together and is not used.
"""

from __future__ import annotations

import re

from stations.drivers import scpi
from stations.drivers.protocols import BadReply, Measured, OutOfRange, Refused
from stations.values import MeterRatings

RANGE_V = 10
OVERRANGE = 1.2
NPLC = 1
LINE_HZ = 50
BUSY_S = 2 * NPLC / LINE_HZ + 0.05  # per channel: autozero measures twice, and the relay settles
DIGITS = 5
SLOTS, CHANNELS_PER_SLOT = 3, 20  # 34901A

RATINGS = MeterRatings(
    model="34972A",
    voltage_max_v=RANGE_V * OVERRANGE,
    resolution_v=1e-5,
    accuracy_v=0.0002,  # 0.0035 % of reading + 0.0005 % of range, one year, at 3.65 V
    channels=SLOTS * CHANNELS_PER_SLOT,
)

_READING = re.compile(r"[+-]\d\.\d{5,8}E[+-]\d{2}")
_BLOCK = re.compile(r"#([1-9])(.*)")
_EMPTY = ("#13(@)", "#14(@)")  # some sources print a length of 4
_CHANNELS = re.compile(r"(\d{3})(?::(\d{3}))?")


class Keysight34972A(scpi.ScpiVoltmeter):
    ratings = RATINGS

    def __init__(self, resource: str, *, channels: tuple[int, ...], timeout_s: float) -> None:
        """`channels` are slot × 100 + channel, in the order of the bank's positions."""
        _refuse_bad_channels(channels)
        self._scanned = tuple(sorted(channels))
        self._places = tuple(self._scanned.index(channel) for channel in channels)
        self._list = f"(@{','.join(map(str, self._scanned))})"
        super().__init__(
            resource,
            role="scanner",
            model=RATINGS.model,
            timeout_s=timeout_s,
            busy_s=BUSY_S * len(channels),
        )

    def _set_up(self) -> None:
        self._link.tell(f"CONF:VOLT:DC {RANGE_V},{self._list}")
        self._link.tell(f"SENS:VOLT:DC:NPLC {NPLC},{self._list}")
        self._link.tell("FORM:READ:TIME OFF")
        self._link.tell("FORM:READ:CHAN OFF")
        self._link.tell(f"ROUT:SCAN {self._list}")
        kept = self._link.ask("ROUT:SCAN?", scan_list)
        scpi.refuse_errors(self._link, f"setting up {self._list}")
        if kept != self._scanned:
            raise Refused(f"asked to scan {self._list}, the scanner will scan {kept}")

    def _measured(self, line: str) -> Measured:
        tokens = line.split(",")
        if len(tokens) != len(self._places):
            raise BadReply(f"{len(tokens)} values for {len(self._places)} channels: {line!r}")
        ascending = [
            scpi.volts(token, _READING, limit_v=RANGE_V * OVERRANGE, digits=DIGITS)
            for token in tokens
        ]
        return Measured(volts=tuple(ascending[place] for place in self._places), raw=line)


def scan_list(reply: str) -> tuple[int, ...]:
    """Channels in a definite-length block, `#` digits length text: `#210(@101,102)`."""
    if reply in _EMPTY:
        return ()
    match = _BLOCK.fullmatch(reply)
    if match is None:
        raise BadReply(f"not a block: {reply!r}")
    digits, rest = int(match[1]), match[2]
    length, text = rest[:digits], rest[digits:]
    if not length.isdecimal() or len(length) != digits or int(length) != len(text):
        raise BadReply(f"block of another length than it says: {reply!r}")
    if not (text.startswith("(@") and text.endswith(")")):
        raise BadReply(f"no channel list in block: {reply!r}")
    return tuple(channel for item in text[2:-1].split(",") for channel in _expanded(item, reply))


def _expanded(item: str, reply: str) -> range:
    match = _CHANNELS.fullmatch(item)
    if match is None:
        raise BadReply(f"no channel: {item!r} in {reply!r}")
    first = int(match[1])
    return range(first, int(match[2] or first) + 1)


def _refuse_bad_channels(channels: tuple[int, ...]) -> None:
    if not channels or len(set(channels)) != len(channels):
        raise OutOfRange(f"channels {channels}: name each channel of the bank once")
    for channel in channels:
        slot, place = divmod(channel, 100)
        if not (1 <= slot <= SLOTS and 1 <= place <= CHANNELS_PER_SLOT):
            raise OutOfRange(
                f"channel {channel}: slots 1..{SLOTS}, channels 01..{CHANNELS_PER_SLOT}"
            )
