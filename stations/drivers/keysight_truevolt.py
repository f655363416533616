"""Keysight 34461A multimeter as a DC voltmeter on one range; SCPI on a LAN socket.

The 10 V range is for cells and parallel banks, the 100 V range for series strings.

Commands from the "34460A/61A/65A/70A Operating and Service Guide".  One CONFigure fixes range
and integration time, then every reading is one READ?; MEASure? would reset both.
"""

from __future__ import annotations

import re

from stations.drivers import scpi
from stations.drivers.protocols import BadReply, Measured
from stations.values import MeterRatings

OVERRANGE = 1.2  # a range measures to 120 % of its name
NPLC = 1  # power-line cycles: rejects mains hum and still gives several readings a second
LINE_HZ = 50
BUSY_S = 2 * NPLC / LINE_HZ + 0.05  # autozero measures twice
MODEL = "34461A"
DIGITS = {10: 5, 100: 4}  # of each range at 1 NPLC: 10 µV and 100 µV

# 0.0035 % of reading + 0.0005 % of range, one year, at 3.65 V and at 58.4 V.
RATINGS = MeterRatings(MODEL, 10 * OVERRANGE, resolution_v=1e-5, accuracy_v=0.0002, channels=1)
RATINGS_100V = MeterRatings(
    MODEL, 100 * OVERRANGE, resolution_v=1e-4, accuracy_v=0.0026, channels=1
)

_READING = re.compile(r"[+-]\d\.\d{8}E[+-]\d{2}")
_CONFIGURED = {
    range_v: re.compile(
        rf'"VOLT(?::DC)? \+1\.0{{1,8}}E\+0{len(str(range_v)) - 1},\+\d\.\d{{1,8}}E-\d{{2}}"'
    )
    for range_v in DIGITS
}


class Keysight34461A(scpi.ScpiVoltmeter):
    def __init__(self, resource: str, *, timeout_s: float, range_v: int = 10) -> None:
        super().__init__(resource, role="meter", model=MODEL, timeout_s=timeout_s, busy_s=BUSY_S)
        self.ratings = RATINGS if range_v == 10 else RATINGS_100V
        self._range_v = range_v

    def _set_up(self) -> None:
        self._link.tell(f"CONF:VOLT:DC {self._range_v}")
        self._link.tell(f"VOLT:DC:NPLC {NPLC}")
        self._link.ask("CONF?", self._refuse_other_range)
        scpi.refuse_errors(self._link, "setting the range")

    def _measured(self, line: str) -> Measured:
        range_v = self._range_v
        limit_v = range_v * OVERRANGE
        value = scpi.volts(line, _READING, limit_v=limit_v, digits=DIGITS[range_v])
        return Measured(volts=(value,), raw=line)

    def _refuse_other_range(self, line: str) -> None:
        if not _CONFIGURED[self._range_v].fullmatch(line):
            raise BadReply(
                f"asked for DC volts, range {self._range_v} V, the meter is set to {line!r}"
            )
