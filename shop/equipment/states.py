"""What the output of a station is known to be; UNKNOWN locks the station."""

from __future__ import annotations

from enum import StrEnum


class OutputState(StrEnum):
    OFF = "OFF"  # proven: by the supply's own state and by measured current
    ON = "ON"
    UNKNOWN = "UNKNOWN"


class InstrumentRole(StrEnum):
    SUPPLY = "supply"
    METER = "meter"
    SCANNER = "scanner"
