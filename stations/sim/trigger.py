"""The trigger system of the simulated voltmeters: idle, waiting, a memory of the last reading.

IEEE 488.2 and SCPI-1999: INITiate arms, *TRG fires under BUS, READ? is INITiate and FETCh?.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from stations.sim.faults import FAULTS, Switchboard
from stations.sim.scpi import Answer, ScpiError, ScpiInstrument


class TriggeredInstrument(ScpiInstrument):
    """An instrument that takes its readings on a trigger; `SOURCES` are the words it knows."""

    SOURCES: ClassVar[Mapping[str, str]] = {"IMM": "IMM", "IMMEDIATE": "IMM", "BUS": "BUS"}

    def mind_power(self, role: str, faults: Switchboard) -> None:
        """Have it lose its settings, as *RST would, whenever it loses its power."""

        def befall(instrument: str, fault: str) -> None:
            if instrument == role and FAULTS[fault].dark:
                self.reset_settings()

        faults.watch(befall)

    def reset_trigger(self) -> None:
        self._source = "IMM"
        self._armed = False
        self._memory: Answer | None = None

    @abstractmethod
    def _take(self) -> Answer:
        """Take the readings, keep them in memory, and be idle again."""

    def _set_source(self, text: str) -> None:
        if text.upper() not in self.SOURCES:
            raise ScpiError(-224)
        self._source = self.SOURCES[text.upper()]

    def _initiate(self, _: str) -> None:
        self._memory = None
        self._armed = True
        if self._source == "IMM":
            self._take()

    def _trigger(self, _: str) -> None:
        if self._source != "BUS" or not self._armed:
            raise ScpiError(-211)
        self._take()

    def _abort(self, _: str) -> None:
        self._armed = False

    def _fetch(self, _: str) -> Answer:
        if self._memory is None:
            raise ScpiError(-230)
        return self._memory

    def _read(self, _: str) -> Answer | None:
        if self._source == "BUS":
            raise ScpiError(-214)
        if self._source == "EXT":
            return None  # nothing here ever pulls the external trigger
        return self._take()
