"""A simulated Keysight 34461A: one DC voltage, in the dialect of the Truevolt family.

Sources: Keysight Truevolt Series Operating and Service Guide, SCPI command reference
(CONFigure, READ?, SENSe:VOLTage:DC); behaviour on the wire as in the public drivers of
nominal-io/instro and QCoDeS.
"""

from __future__ import annotations

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

MODEL = "34461A"
FIRMWARE = "A.02.14-02.40-02.14-00.49-01-01"
RANGES_V = (0.1, 1.0, 10.0, 100.0, 1000.0)
NPLC = (0.02, 0.2, 1.0, 10.0, 100.0)
NPLC_DEFAULT = 10.0
LINE_HZ = 50.0
SAMPLES_MAX = 10_000  # 34461A reading memory


class Truevolt(TriggeredInstrument):
    """Its input sits on the last cell, the far end of the bank, on the one on the leads, or on a
    whole string."""

    SOURCES = {**TriggeredInstrument.SOURCES, "EXT": "EXT", "EXTERNAL": "EXT"}

    def __init__(
        self, serial_number: str, *, world: World, faults: Switchboard, voltmeter: NoisyVoltmeter
    ) -> None:
        super().__init__(f"Keysight Technologies,{MODEL},{serial_number},{FIRMWARE}")
        self._world = world
        self._faults = faults
        self._voltmeter = voltmeter
        self.reset_settings()
        self.mind_power("meter", faults)
        sense = "[SENSe:]VOLTage[:DC]"
        self.add(
            {
                "CONFigure[:SCALar]:VOLTage[:DC]": self._configure,
                "CONFigure?": self._configuration,
                "MEASure[:SCALar]:VOLTage[:DC]?": self._measure,
                "[SENSe:]FUNCtion[:ON]": self._function,
                "[SENSe:]FUNCtion[:ON]?": lambda _: '"VOLT"',
                f"{sense}:NPLCycles": self._set_nplc,
                f"{sense}:NPLCycles?": lambda _: scientific(self._nplc),
                f"{sense}:RANGe[:UPPer]": self._set_range,
                f"{sense}:RANGe[:UPPer]?": lambda _: scientific(self._range_v),
                f"{sense}:RANGe:AUTO": self._set_autorange,
                f"{sense}:RANGe:AUTO?": lambda _: str(int(self._autorange)),
                f"{sense}:ZERO:AUTO": self._set_autozero,
                f"{sense}:ZERO:AUTO?": lambda _: str(int(self._autozero)),
                f"{sense}:IMPedance:AUTO": self._set_impedance,
                f"{sense}:IMPedance:AUTO?": lambda _: str(int(self._impedance)),
                "SAMPle:COUNt": self._set_samples,
                "SAMPle:COUNt?": lambda _: f"+{self._samples}",
                "TRIGger:SOURce": self._set_source,
                "TRIGger:SOURce?": lambda _: self._source,
                "INITiate[:IMMediate]": self._initiate,
                "*TRG": self._trigger,
                "ABORt": self._abort,
                "FETCh?": self._fetch,
                "READ?": self._read,
            }
        )

    def reset_settings(self) -> None:
        self._nplc = NPLC_DEFAULT
        self._range_v = 10.0
        self._autorange = True
        self._autozero = True
        self._impedance = False
        self._samples = 1
        self.reset_trigger()

    def _configure(self, text: str) -> None:
        # CONFigure puts range, integration time, samples and trigger back to their defaults.
        range_text = text.split(",")[0].strip()
        automatic = range_text.upper() in ("", "AUTO", "DEF", "DEFAULT")
        limits = {"low": RANGES_V[0], "high": RANGES_V[-1], "default": 10.0}
        range_v = 10.0 if automatic else next_step(number(range_text, **limits), RANGES_V)
        self.reset_settings()
        self._range_v, self._autorange = range_v, automatic

    def _configuration(self, _: str) -> str:
        return f'"VOLT {self._range_v:+.6E},{self._range_v * 3e-7:+.6E}"'

    def _function(self, text: str) -> None:
        if text.strip("\"' ").upper() not in ("VOLT", "VOLT:DC", "VOLTAGE", "VOLTAGE:DC"):
            raise ScpiError(-224)  # this bench wires volts only

    def _set_nplc(self, text: str) -> None:
        value = number(text, low=NPLC[0], high=NPLC[-1], default=NPLC_DEFAULT)
        self._nplc = next_step(value, NPLC)

    def _set_range(self, text: str) -> None:
        value = number(text, low=RANGES_V[0], high=RANGES_V[-1], default=10.0)
        self._range_v, self._autorange = next_step(value, RANGES_V), False

    def _set_autorange(self, text: str) -> None:
        self._autorange = boolean(text)

    def _set_autozero(self, text: str) -> None:
        self._autozero = boolean(text)

    def _set_impedance(self, text: str) -> None:
        self._impedance = boolean(text)

    def _set_samples(self, text: str) -> None:
        self._samples = int(number(text, low=1, high=SAMPLES_MAX, default=1))

    def _measure(self, text: str) -> Answer:
        self._configure(text)
        return self._take()

    def _take(self) -> Answer:
        self._armed = False
        self._memory = Answer(",".join(self._sample() for _ in range(self._samples)), True)
        return self._memory

    def _sample(self) -> str:
        # Auto-zero measures the short inside after each reading: twice the time.
        self._world.wait(self._nplc / LINE_HZ * (2 if self._autozero else 1))
        seen = self._world.see()
        volts = self._faults.shown("meter", seen.metered, seen.metered_v, seen.at_s)
        range_v = self._range_v
        if self._autorange:
            range_v = next((r for r in RANGES_V if abs(volts) <= 1.2 * r), RANGES_V[-1])
        return self._faults.measured(
            "meter",
            "volts",
            current_flows=seen.current_flows,
            fresh=lambda: self._voltmeter.convert(volts, range_v),
        )
