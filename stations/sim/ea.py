"""A simulated EA PS or PSI 9080-60 T: its SCPI, its remote lock, its alarms.

Source: EA "Programming Guide ModBus & SCPI" (PGMBEN, revision 17) as public drivers quote it
(nominal-io/instro, PythonEquipmentDrivers).  Habits: no set value is taken before SYST:LOCK ON;
replies carry units; a value outside the adjustment limits is refused and not clamped; a level at
its own threshold trips; alarms stay until the error queue is read, and hold the output off.  That
an alarm which nobody has acknowledged refuses OUTP ON with -221 is our reading, not the guide's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from stations.sim.circuit import Seen
from stations.sim.faults import Switchboard
from stations.sim.output import Output
from stations.sim.scpi import ERRORS, Answer, Reply, ScpiError, ScpiInstrument, boolean, number
from stations.sim.supply import Flaws, SimulatedSupply
from stations.sim.world import World

FIRMWARE = "V3.06 14.05.2019 V2.25 04.06.2019"
NOMINAL = {"VOLTage": 80.0, "CURRent": 60.0, "POWer": 1500.0}
UNITS = {"VOLTage": "V", "CURRent": "A", "POWer": "W"}
LEVELS = (("voltage_v", "ovp_v", "VOLTage"), ("current_a", "ocp_a", "CURRent"))
DIGITS = {"V": 2, "A": 1, "W": 0}
SET_FACTOR, THRESHOLD_FACTOR = 1.02, 1.1
ALARM_BITS = {"OVP": 0, "OCP": 1}
OUTPUT_ON = 11  # of STAT:QUES
REGULATION_BITS = {"CV": 8, "CC": 9, "": 31}  # of STAT:OPER
RESTORE, AFTER_REMOTE = "SYSTem:CONFig:OUTPut:RESTore", "POWer:STAGe:AFTer:REMote"
AUTO_OR_OFF = (
    RESTORE,
    AFTER_REMOTE,
    "SYSTem:ALARm:ACTion:PFail",
    "SYSTem:ALARm:ACTion:OTEMperature",
)
SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class EaOutput(Output):
    def trip(self, *, voltage_v: float, current_a: float) -> str:
        """Protection wins where level and threshold are equal."""
        if self.on and max(voltage_v - self.drift_v, self.voltage_v) >= self.ovp_v - SLACK:
            return "OVP"
        return "OCP" if self.on and max(current_a, self.current_a) >= self.ocp_a - SLACK else ""


class Ea(SimulatedSupply, ScpiInstrument):
    FACTORY: ClassVar[Mapping[str, float]] = {
        "voltage_v": 0.0,
        "current_a": 0.0,
        "ovp_v": 88.0,
        "ocp_a": 66.0,
    }
    MODEL: ClassVar[str] = "PS 9080-60 T"
    OUTPUT = EaOutput
    PER_AMP = 10
    UNKNOWN_HEADER = -100

    def __init__(
        self, serial_number: str, *, world: World, faults: Switchboard, flaws: Flaws
    ) -> None:
        SimulatedSupply.__init__(self, serial_number, world=world, faults=faults, flaws=flaws)
        ScpiInstrument.__init__(self, "")
        self._levels = dict(self.FACTORY)
        self._words = dict.fromkeys(AUTO_OR_OFF, "AUTO")
        self._words[RESTORE] = "AUTO" if flaws.boot_power else "OFF"
        self._is_remote = self._is_acknowledged = False
        self._latched = self._before = 0
        self._power_w = NOMINAL["POWer"]
        self.add(
            {
                "SYSTem:LOCK": self._lock,
                "SYSTem:LOCK:OWNer?": lambda _: self._owner,
                "SYSTem:ERRor:ALL?": self._next_error,
                "[SOURce:]POWer": self._remotely(self._set_power),
                "[SOURce:]POWer?": lambda _: _with_unit(self._power_w, "W"),
                "OUTPut[:STATe]": self._remotely(self._output),
                "OUTPut[:STATe]?": lambda _: "ON" if self._is_on(self._world.see()) else "OFF",
                "STATus:QUEStionable:CONDition?": lambda _: str(self._questionable()),
                "STATus:QUEStionable[:EVENt]?": self._events_since,
                "STATus:OPERation:CONDition?": lambda _: str(self._operation()),
                "MEASure[:SCALar]:ARRay?": self._measure_all,
            }
        )
        for at, what in enumerate(UNITS):
            self.add({f"MEASure[:SCALar]:{what}[:DC]?": partial(self._measure_one, at)})
            self.add({f"SYSTem:NOMinal:{what}?": partial(self._nominal, what)})
        for level, threshold, what in LEVELS:
            set_most, most = SET_FACTOR * NOMINAL[what], THRESHOLD_FACTOR * NOMINAL[what]
            self._add_level(f"[SOURce:]{what}", level, UNITS[what], set_most)
            self._add_level(f"[SOURce:]{what}:PROTection[:LEVel]", threshold, UNITS[what], most)
        for setting in AUTO_OR_OFF:
            self.add({setting: self._remotely(partial(self._keep_word, setting))})
            self.add({f"{setting}?": partial(self._word, setting)})

    def execute(self, message: str) -> Reply | None:
        with self.one_at_a_time:
            self._identity = f"EA Elektro-Automatik,{self.MODEL},{self.serial_number},{FIRMWARE},"
            return super().execute(message)

    def reset_settings(self) -> None:
        self._is_remote = not self.fault.keeps_local
        self._switch(on=False)
        self._is_acknowledged = True

    # Remote control

    @property
    def _owner(self) -> str:
        if self.fault.keeps_local:
            return "LOCAL"
        return "REMOTE" if self._is_remote else "NONE"

    def _lock(self, text: str) -> None:
        takes = boolean(text)
        left = self._is_remote and not takes
        self._is_remote = takes and not self.fault.keeps_local
        if left and self._words[AFTER_REMOTE] == "OFF":
            self._switch(on=False)

    def _remotely(self, handler: Callable[[str], None]) -> Callable[[str], None]:
        def guarded(text: str) -> None:
            if self._owner != "REMOTE":
                raise ScpiError(-201)
            handler(text)

        return guarded

    # Set values

    def _add_level(self, header: str, level: str, unit: str, most: float) -> None:
        self.add(
            {
                header: self._remotely(partial(self._take, level, unit, most)),
                f"{header}?": lambda _: _with_unit(self._levels[level], unit),
            }
        )

    def _take(self, level: str, unit: str, most: float, text: str) -> None:
        plain = text.upper().removesuffix(unit)
        value = round(number(plain, low=0.0, high=most, default=0.0), DIGITS[unit])
        self._world.note("set", instrument="supply", level=level, value=value)
        if level not in self.fault.ignores:
            self._set(level, value)

    def _set_power(self, text: str) -> None:
        most = SET_FACTOR * NOMINAL["POWer"]
        plain = text.upper().removesuffix("W")
        self._power_w = number(plain, low=0.0, high=most, default=most)

    def _nominal(self, what: str, _: str) -> str:
        return _with_unit(NOMINAL[what], UNITS[what])

    def _keep_word(self, setting: str, text: str) -> None:
        if text.upper() not in ("AUTO", "OFF"):
            raise ScpiError(-224)
        self._words[setting] = text.upper()

    def _word(self, setting: str, _: str) -> str:
        return self._words[setting]

    def _output(self, text: str) -> None:
        on = boolean(text)
        if on and self._alarms(self._world.see()):
            raise ScpiError(-221)
        self._is_acknowledged = self._is_acknowledged and not on
        self._switch(on=on)

    # What it shows

    def _measure_all(self, _: str) -> Answer:
        return Answer(", ".join(f"{text[:-1]} {text[-1]}" for text in self._panel()), True)

    def _measure_one(self, at: int, _: str) -> Answer:
        return Answer(self._panel()[at], True)

    def _panel(self) -> tuple[str, str, str]:
        volts, amps = self._displayed(self._world.see())
        voltage_v, current_a = volts / self.PER_VOLT, amps / self.PER_AMP
        power_w = voltage_v * current_a
        return _with_unit(voltage_v, "V"), _with_unit(current_a, "A"), _with_unit(power_w, "W")

    def _alarms(self, seen: Seen) -> int:
        if self._is_acknowledged or not seen.output.tripped:
            return 0
        return 1 << ALARM_BITS[seen.output.tripped]

    def _questionable(self) -> int:
        seen = self._world.see()
        now = self._alarms(seen) | (int(self._is_on(seen)) << OUTPUT_ON)
        self._latched |= now & ~self._before
        self._before = now
        return now

    def _events_since(self, _: str) -> str:
        self._questionable()
        events, self._latched = self._latched, 0
        return str(events)

    def _operation(self) -> int:
        seen = self._world.see()
        bit = REGULATION_BITS[seen.regulation if self._is_on(seen) else ""]
        return 1 << bit if bit < 16 else 0

    def _next_error(self, _: str) -> str:
        self._questionable()  # an alarm is latched before this acknowledges it
        self._is_acknowledged = bool(self._world.see().output.tripped) or self._is_acknowledged
        code = self._errors.popleft() if self._errors else 0
        return f'{code},"{ERRORS[code] if code else "No error"}"'

    # Memory

    def _set(self, level: str, shown: float) -> None:
        self._levels[level] = shown
        self._regulate(level, shown)

    def _shown(self, level: str) -> float:
        return self._levels[level]

    @property
    def _comes_on(self) -> bool:
        return self._words[RESTORE] == "AUTO"


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.{DIGITS[unit]}f}{unit}"


class EaPsi(Ea):
    """The same with arbitrary generators, which nobody here asks for."""

    MODEL = "PSI 9080-60 T"
