"""Keysight 34461A multimeter as a DC voltmeter on the 10 V range; SCPI on a LAN socket.

Commands from the "34460A/61A/65A/70A Operating and Service Guide".  One CONFigure fixes range
and integration time, then every reading is one READ?; MEASure? would reset both.
"""

from __future__ import annotations

import re

from stations.drivers import scpi
from stations.drivers.protocols import BadReply, Measured
from stations.values import MeterRatings

RANGE_V = 10
OVERRANGE = 1.2  # a range measures to 120 % of its name
NPLC = 1  # power-line cycles: rejects mains hum and still gives several readings a second
LINE_HZ = 50
BUSY_S = 2 * NPLC / LINE_HZ + 0.05  # autozero measures twice
DIGITS = 5  # 10 µV: the 10 V range at 1 NPLC

RATINGS = MeterRatings(
    model="34461A",
    voltage_max_v=RANGE_V * OVERRANGE,
    resolution_v=1e-5,
    accuracy_v=0.0002,  # 0.0035 % of reading + 0.0005 % of range, one year, at 3.65 V
    channels=1,
)

_READING = re.compile(r"[+-]\d\.\d{8}E[+-]\d{2}")
_CONFIGURED = re.compile(r'"VOLT(?::DC)? \+1\.0{1,8}E\+01,\+\d\.\d{1,8}E-\d{2}"')


class Keysight34461A(scpi.ScpiVoltmeter):
    ratings = RATINGS

    def __init__(self, resource: str, *, timeout_s: float) -> None:
        super().__init__(
            resource, role="meter", model=RATINGS.model, timeout_s=timeout_s, busy_s=BUSY_S
        )

    def _set_up(self) -> None:
        self._link.tell(f"CONF:VOLT:DC {RANGE_V}")
        self._link.tell(f"VOLT:DC:NPLC {NPLC}")
        self._link.ask("CONF?", _refuse_other_range)
        scpi.refuse_errors(self._link, "setting the range")

    def _measured(self, line: str) -> Measured:
        value = scpi.volts(line, _READING, limit_v=RANGE_V * OVERRANGE, digits=DIGITS)
        return Measured(volts=(value,), raw=line)


def _refuse_other_range(line: str) -> None:
    if not _CONFIGURED.fullmatch(line):
        raise BadReply(f"asked for DC volts, range {RANGE_V} V, the meter is set to {line!r}")
