"""What every simulated supply does alike: shows and regulates with its errors, has its faults.

A model adds its language and its memory of set values on top.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from stations.sim.circuit import Seen
from stations.sim.faults import FAULTS, Fault, Switchboard
from stations.sim.output import Output
from stations.sim.world import World


@dataclass(frozen=True, slots=True)
class Flaws:
    """How far the unit is off: it shows `voltage_offset_v` more than the truth and
    `ammeter_zero_a` more than flows, and regulates by what it shows."""

    voltage_offset_v: float = 0.004
    ammeter_zero_a: float = 0.0
    boot_power: bool = False  # returning mains switch it on
    read_max: int = 20  # registers of a Riden; longer reads stay unanswered

    def truth(self, level: str, shown: float) -> float:
        """What is regulated to where `level` ("voltage_v", "ocp_a" ...) is set to `shown`."""
        error = self.voltage_offset_v if level.endswith("_v") else self.ammeter_zero_a
        return max(0.0, shown - error)


class SimulatedSupply(ABC):
    """One unit; its line and the hands may both reach for it, `one_at_a_time`."""

    FACTORY: ClassVar[Mapping[str, float]]  # levels by their names in Output, as shown
    OUTPUT: ClassVar[type[Output]] = Output
    PER_VOLT: ClassVar[int] = 100  # counts of its display
    PER_AMP: ClassVar[int] = 100

    def __init__(
        self, serial_number: str, *, world: World, faults: Switchboard, flaws: Flaws
    ) -> None:
        self.one_at_a_time = threading.Lock()
        self._serial_number = serial_number
        self._world = world
        self._faults = faults
        self._flaws = flaws
        self._was_dark = self._claims_off = False
        faults.watch(self._befall)

    @classmethod
    def factory_output(cls, flaws: Flaws) -> Output:
        """The output stage as shipped."""
        levels = {name: flaws.truth(name, shown) for name, shown in cls.FACTORY.items()}
        return cls.OUTPUT(**levels)  # type: ignore[arg-type]  # levels only

    @abstractmethod
    def _set(self, level: str, shown: float) -> None:
        """Take a level into memory and regulate to it."""

    @abstractmethod
    def _shown(self, level: str) -> float:
        """The level as it is in memory."""

    @property
    @abstractmethod
    def _comes_on(self) -> bool:
        """Whether returning mains switch the output on."""

    @property
    def fault(self) -> Fault:
        return self._faults.of("supply")

    @property
    def serial_number(self) -> str:
        number = self._serial_number
        if not self.fault.stranger:
            return number
        return f"{int(number) + 1:0{len(number)}d}" if number.isdecimal() else number[::-1]

    def _regulate(self, level: str, shown: float) -> None:
        change: dict[str, Any] = {level: self._flaws.truth(level, shown)}
        self._world.adjust(lambda output: replace(output, **change))

    def _displayed(self, seen: Seen) -> tuple[int, int]:
        """Counts of volts and of amps, as its panel shows them."""
        text = self._faults.measured(
            "supply",
            "output",
            current_flows=seen.current_flows,
            fresh=lambda: self._measured(seen),
        )
        volts, amps = text.split()[:2]
        return int(volts), int(amps)

    def _measured(self, seen: Seen) -> str:
        if self._claims_off:
            return "0 0"
        offset_v = self._flaws.voltage_offset_v if seen.output.on else 0.0
        sensed_v = seen.terminal_v + offset_v - seen.output.drift_v
        shown_v = self._faults.shown("supply", 0, sensed_v, seen.at_s)
        volts = _counts(shown_v, self.PER_VOLT)
        amps = _counts(seen.current_a + self._flaws.ammeter_zero_a, self.PER_AMP)
        return f"{volts} {amps}"

    def _is_on(self, seen: Seen) -> bool:
        hidden = self._claims_off or self.fault.hides_output
        return seen.output.on and not hidden

    def _switch(self, *, on: bool) -> None:
        fault = self.fault
        if on and fault.late_on_s:
            late = threading.Timer(fault.late_on_s, self._world.switch, kwargs={"on": True})
            late.daemon = True
            late.start()
        elif on or not (fault.holds_output or fault.feigns_off):
            self._world.switch(on=on)
        self._claims_off = fault.feigns_off and not on

    def _befall(self, instrument: str, name: str) -> None:
        """What a fault does to the supply at the moment when the hands set it."""
        if instrument != "supply":
            return
        fault = FAULTS[name]
        with self.one_at_a_time:
            if fault.dark:
                self._world.switch(on=False)
            elif self._was_dark or fault.restarts:
                self._start_up(self.FACTORY if fault.restarts else {})
            self._was_dark, self._claims_off = fault.dark, False
            if fault.knob:
                level, volts = fault.knob
                self._set(level, self._shown(level) + volts)
            self._world.adjust(
                lambda output: replace(
                    output, excess_v=fault.excess_v, drift_v=0.0, creep_v_s=fault.creep_v_s
                )
            )

    def _start_up(self, levels: Mapping[str, float]) -> None:
        """Mains are there: off, or on where its memory says so."""
        self._world.switch(on=False)
        for level, shown in levels.items():
            self._set(level, shown)
        if self._comes_on:
            self._world.switch(on=True)


def _counts(value: float, per_unit: int) -> int:
    return min(0xFFFF, max(0, round(value * per_unit)))
