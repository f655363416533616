"""A simulated Keysight 34972A with one 34901A multiplexer in slot 1: a volt per cell.

Sources: Keysight 34970A/34972A Command Reference (CONFigure, ROUTe:SCAN, FORMat:READing);
behaviour on the wire as in the public drivers of PythonEquipmentDrivers and nominal-io/instro.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from stations.sim.circuit import Seen
from stations.sim.faults import Switchboard
from stations.sim.noise import NoisyVoltmeter
from stations.sim.scpi import (
    Answer,
    ScpiError,
    boolean,
    next_step,
    number,
    scientific,
)
from stations.sim.trigger import TriggeredInstrument
from stations.sim.world import World

MODEL = "34972A"
FIRMWARE = "1.17-1.12-02-02"
RANGES_V = (0.1, 1.0, 10.0, 100.0, 300.0)
NPLC = (0.02, 0.2, 1.0, 2.0, 10.0, 20.0, 100.0, 200.0)
LINE_HZ = 50.0
RELAY_S = 0.05  # one multiplexer relay opens, the next closes and settles
FITTED = range(101, 121)  # 34901A: 20 channels

_ITEM = re.compile(r"(\d+)(?::(\d+))?")


def channel_list(text: str) -> tuple[int, ...]:
    """`(@101,103:105)` as channels in ascending order without repeats, as a scan runs."""
    match = re.fullmatch(r"\s*\(@([\d,:\s]*)\)\s*", text)
    if match is None:
        raise ScpiError(-102)
    channels: set[int] = set()
    for item in filter(None, match.group(1).replace(" ", "").split(",")):
        ends = _ITEM.fullmatch(item)
        if ends is None:
            raise ScpiError(-102)
        first, last = int(ends.group(1)), int(ends.group(2) or ends.group(1))
        channels.update(range(min(first, last), max(first, last) + 1))
    for channel in channels:
        if channel not in FITTED:
            raise ScpiError(112 if channel // 100 == 1 else 111)
    return tuple(sorted(channels))


def block(text: str) -> str:
    """A definite-length block: `#`, the number of digits, the length, the text."""
    length = str(len(text))
    return f"#{len(length)}{length}{text}"


class Daq(TriggeredInstrument):
    """Channel `wired[i]` sits on cell i; the other inputs are open."""

    def __init__(
        self,
        serial_number: str,
        *,
        wired: Sequence[int],
        world: World,
        faults: Switchboard,
        voltmeter: NoisyVoltmeter,
    ) -> None:
        super().__init__(f"Agilent Technologies,{MODEL},{serial_number},{FIRMWARE}")
        self._cell_of = {channel: cell for cell, channel in enumerate(wired)}
        self._world = world
        self._faults = faults
        self._voltmeter = voltmeter
        self.reset_settings()
        self.mind_power("scanner", faults)
        sense = "[SENSe:]VOLTage[:DC]"
        self.add(
            {
                "CONFigure[:SCALar]:VOLTage[:DC]": self._configure,
                "MEASure[:SCALar]:VOLTage[:DC]?": self._measure,
                f"{sense}:NPLCycles": self._set_nplc,
                f"{sense}:NPLCycles?": self._get_nplc,
                f"{sense}:RANGe[:UPPer]": self._set_range,
                f"{sense}:RANGe[:UPPer]?": self._get_range,
                "ROUTe:SCAN": self._set_scan,
                "ROUTe:SCAN?": lambda _: block(f"(@{','.join(map(str, self._scan))})"),
                "ROUTe:SCAN:SIZE?": lambda _: f"+{len(self._scan)}",
                "FORMat:READing:CHANnel": self._set_with_channel,
                "FORMat:READing:CHANnel?": lambda _: str(int(self._with_channel)),
                "FORMat:READing:TIME": self._set_with_time,
                "FORMat:READing:TIME?": lambda _: str(int(self._with_time)),
                "FORMat:READing:TIME:TYPE": self._set_time_type,
                "FORMat:READing:TIME:TYPE?": lambda _: "ABS" if self._absolute else "REL",
                "SYSTem:CTYPe?": self._card_type,
                "TRIGger:SOURce": self._set_source,
                "TRIGger:SOURce?": lambda _: self._source,
                "INITiate": self._initiate,
                "*TRG": self._trigger,
                "ABORt": self._abort,
                "DATA:POINts?": lambda _: f"+{len(self._scan) if self._memory else 0}",
                "FETCh?": self._fetch,
                "READ?": self._read,
            }
        )

    def reset_settings(self) -> None:
        self._nplc = dict.fromkeys(FITTED, 1.0)
        self._range_v = dict.fromkeys(FITTED, 10.0)
        self._scan: tuple[int, ...] = ()
        self._with_channel = self._with_time = self._absolute = False
        self.reset_trigger()

    def _configure(self, text: str) -> None:
        # CONFigure also resets the integration time and makes its channels the scan list.
        values, at, rest = text.partition("(@")
        channels = channel_list(at + rest)
        range_text = values.split(",")[0].strip()
        automatic = range_text.upper() in ("", "AUTO", "DEF", "DEFAULT")
        range_v = 10.0 if automatic else self._range_in(range_text)
        for channel in channels:
            self._nplc[channel], self._range_v[channel] = 1.0, range_v
        self._scan = channels

    def _measure(self, text: str) -> Answer:
        self._configure(text)
        return self._take()

    def _set_nplc(self, text: str) -> None:
        value_text, channels = self._targets(text)
        value = number(value_text, low=NPLC[0], high=NPLC[-1], default=1.0)
        self._nplc |= dict.fromkeys(channels, next_step(value, NPLC))

    def _get_nplc(self, text: str) -> str:
        return self._listed(self._nplc, text)

    def _set_range(self, text: str) -> None:
        value_text, channels = self._targets(text)
        self._range_v |= dict.fromkeys(channels, self._range_in(value_text))

    def _get_range(self, text: str) -> str:
        return self._listed(self._range_v, text)

    def _range_in(self, text: str) -> float:
        value = number(text, low=RANGES_V[0], high=RANGES_V[-1], default=10.0)
        return next_step(value, RANGES_V)

    def _targets(self, text: str) -> tuple[str, tuple[int, ...]]:
        # Without a list a setting applies to the scan list.
        value, at, rest = text.partition("(@")
        return value.strip().rstrip(","), channel_list(at + rest) if at else self._scan

    def _listed(self, setting: dict[int, float], text: str) -> str:
        channels = channel_list(text) if text else self._scan
        return ",".join(scientific(setting[channel]) for channel in channels)

    def _set_scan(self, text: str) -> None:
        self._scan = channel_list(text)
        self._memory = None

    def _set_with_channel(self, text: str) -> None:
        self._with_channel = boolean(text)

    def _set_with_time(self, text: str) -> None:
        self._with_time = boolean(text)

    def _set_time_type(self, text: str) -> None:
        kinds = {"ABS": True, "ABSOLUTE": True, "REL": False, "RELATIVE": False}
        if text.upper() not in kinds:
            raise ScpiError(-224)
        self._absolute = kinds[text.upper()]

    def _card_type(self, text: str) -> str:
        if text not in ("100", "200", "300"):
            raise ScpiError(-222)
        return f"Agilent Technologies,{'34901A' if text == '100' else '0'},0,2.3"

    def _take(self) -> Answer:
        if not self._scan:
            raise ScpiError(113)
        self._armed = False
        started_s = self._world.see().at_s
        # Auto-zero doubles the integration; the relays switch one after the other.
        self._world.wait(sum(2 * self._nplc[c] / LINE_HZ + RELAY_S for c in self._scan))
        seen = self._world.see()
        self._memory = Answer(
            ",".join(self._field(channel, seen, started_s) for channel in self._scan), True
        )
        return self._memory

    def _field(self, channel: int, seen: Seen, started_s: float) -> str:
        cell = self._cell_of.get(channel)
        volts = 0.0
        if cell is not None:
            volts = self._faults.shown("scanner", cell + 1, seen.cell_volts[cell], seen.at_s)
        fields = [
            self._faults.measured(
                "scanner",
                str(channel),
                current_flows=seen.current_flows,
                fresh=lambda: self._voltmeter.convert(volts, self._range_v[channel]),
            )
        ]
        if self._with_time and self._absolute:
            moment = datetime.fromtimestamp(seen.at_s, UTC)
            fields.append(
                moment.strftime("%Y,%m,%d,%H,%M,%S.") + f"{moment.microsecond // 1000:03}"
            )
        elif self._with_time:
            fields.append(f"{seen.at_s - started_s:012.3f}")
        if self._with_channel:
            fields.append(str(channel))
        return ",".join(fields)
