"""What the output of a station is known to be; UNKNOWN locks the station."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class OutputState(StrEnum):
    OFF = "OFF"  # proven: by the supply's own state and by measured current
    ON = "ON"
    UNKNOWN = "UNKNOWN"
    SEEN_OFF = "SEEN_OFF"  # by a person at a bench whose host is lost; a start needs OFF


# As people say it, inside a sentence; a badge begins with a capital.
OUTPUT_WORDS: Mapping[str, str] = {
    OutputState.OFF: "proven off",
    OutputState.ON: "on",
    OutputState.UNKNOWN: "unknown",
    OutputState.SEEN_OFF: "seen off by a person",
}


class InstrumentRole(StrEnum):
    SUPPLY = "supply"
    METER = "meter"
    SCANNER = "scanner"
    LOAD = "load"
    THERMOMETER = "thermometer"
    BMS = "bms"  # of a series string; it ends a charge and is no evidence of a balance
    RELAY = "relay"  # known by its address on the bus, each board of the shop with its own
    ROUTER = "router"  # a relay board that puts the leads on one cell after the other
    MANUAL = "manual"  # a hand-held meter: a person reads it and types, no bench knows of it


# No wire leads to these: a bench can neither ask them who they are nor lack them.
UNWIRED = frozenset({InstrumentRole.MANUAL.value})
# B7: where no scanner sees all cells at once, one of these goes from cell to cell.
ONE_BY_ONE = frozenset({InstrumentRole.MANUAL.value, InstrumentRole.METER.value})
# Relays measure nothing; the limits of warmth leave a logger's 0.5 K many times over; nobody
# calibrates a BMS, and the meter on its string watches it.
UNCALIBRATED = frozenset(
    {
        InstrumentRole.RELAY.value,
        InstrumentRole.ROUTER.value,
        InstrumentRole.THERMOMETER.value,
        InstrumentRole.BMS.value,
    }
)
