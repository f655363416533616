"""What the guardian does with the BMS of a series string: meet it once it lives, then read it."""

from __future__ import annotations

from dataclasses import dataclass

from stations.config import InstrumentConfig
from stations.drivers.protocols import Bms, BmsState, InstrumentSilent, WrongInstrument
from stations.values import NAN, BmsSeen, Identity


@dataclass(frozen=True, slots=True)
class BmsRead:
    """One look at the string, and what the BMS was found set to when it was met."""

    state: BmsState
    seen: BmsSeen

    @property
    def raw(self) -> str:
        return self.state.raw


class BmsHand:
    """The acts on one BMS; called by one thread only.

    It is fed by the string, so before that is built it is silent, which is no fault.  It is met,
    and asked for its setting, at its first answer in a session: no output is on before.
    """

    def __init__(self, device: Bms, config: InstrumentConfig) -> None:
        self._device = device
        self._config = config
        self._met = False
        self._cell_over_v = NAN

    def meet(self) -> Identity | None:
        """Anew for this session; None while it is silent.  Raises WrongInstrument."""
        self._met = False
        try:
            return self._meet()
        except InstrumentSilent:
            return None

    def measure(self) -> BmsRead:
        if not self._met:
            self._meet()
        state = self._device.read()
        seen = BmsSeen(
            charge_open=not state.charge_on,
            protections=state.protections,
            cell_over_v=self._cell_over_v,
            name=self._config.serial_number,
        )
        return BmsRead(state, seen)

    def close(self) -> None:
        self._device.close()

    def _meet(self) -> Identity:
        identity = self._device.identify()
        if identity.serial_number != self._config.serial_number:
            raise WrongInstrument(
                f"a BMS called {identity.serial_number} answers, bench.toml says "
                f"{self._config.serial_number}: correct bench.toml or its name"
            )
        self._cell_over_v = self._device.cell_over_v()
        self._met = True
        return identity
