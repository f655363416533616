"""What the guardian does with a supply: set it up with the output off, adjust it, read it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

from stations.clock import Clock, guard_s
from stations.drivers.protocols import PowerSupply, SupplyState
from stations.guardian.switched import (
    Overtaken,
    ReadBackDiffers,
    SwitchedHand,
    parted_problem,
)
from stations.values import Protection, Setpoint, SupplyRatings

PROBE_COUNTS = 10  # of its ammeter: as much as a wrong wire could carry while it is looked
PROBE_S = 1.0  # guard time in which its terminals must stand where they are regulated to
PROBE_PAUSE_S = 0.05


class SupplyHand(SwitchedHand[PowerSupply, SupplyState]):
    """The acts on one supply; called by one thread only, `latency_s` is its longest answer."""

    role: ClassVar[str] = "supply"

    def __init__(self, supply: PowerSupply, clock: Clock, latency_s: float) -> None:
        super().__init__(supply, clock, latency_s, supply.ratings.current_resolution_a)
        self.ratings: SupplyRatings = supply.ratings
        self._sent: Setpoint | None = None
        self._protection: Protection | None = None

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        """Protection first, then the set-point, both read back; only with the output off."""
        with self._noting_silence():
            if self._device.read().output_on:
                raise ReadBackDiffers("the supply's output is on: nothing was set")
            self._device.protect(protection)
            self._protection, self._protected = protection, True
            self._same(self._protection_differs())
            self._apply(setpoint)

    def see_parted(self, bank_v: float, ovp_v: float, wanted: Callable[[], bool]) -> float:
        """Through an open contactor: on at half the bank's voltage, where nothing can flow into
        the cells, it must show just that at its terminals.  The volts that it showed.

        One that shows the bank is still tied to it: raises ReadBackDiffers.  It is off and proven
        off on every way out, and set up again as it was.
        """
        kept = self._sent, self._protection
        probe = Setpoint(bank_v / 2, PROBE_COUNTS * self.ratings.current_resolution_a)
        self.configure(probe, Protection(ovp_v, 2 * probe.current_a))
        try:
            with self._noting_silence():
                shown_v = self._shown_on(bank_v, wanted)
        finally:
            self.off()
        self._same(_untold(shown_v, bank_v) or parted_problem(self.role, shown_v, bank_v))
        if kept[0] is not None and kept[1] is not None:
            self.configure(kept[0], kept[1])
        return shown_v

    def _shown_on(self, bank_v: float, wanted: Callable[[], bool]) -> float:
        """Its terminals, whatever it says of its output: what one held has a moment to leave."""
        if not wanted():
            raise Overtaken("the output was asked to be off meanwhile")
        self._device.output(True)
        until_s = guard_s() + PROBE_S
        while True:
            shown_v = self._device.read().voltage_v
            doubt = _untold(shown_v, bank_v) or parted_problem(self.role, shown_v, bank_v)
            if not doubt or guard_s() >= until_s:
                return shown_v
            if not wanted():
                raise Overtaken("the output was asked to be off meanwhile")
            threading.Event().wait(PROBE_PAUSE_S)

    def adjust(self, setpoint: Setpoint, wanted: Callable[[], bool]) -> None:
        if not wanted():
            raise Overtaken("the output was asked to be off meanwhile")
        with self._noting_silence():
            self._apply(setpoint)

    def _apply(self, setpoint: Setpoint) -> None:
        self._sent = setpoint
        self._device.apply(setpoint)
        self._same(self._differs(self._device.read()))

    def _state(self) -> SupplyState:
        return self._device.read()

    def _amps(self, state: SupplyState) -> float:
        return state.current_a

    def _zero(self) -> None:
        self._sent = Setpoint(0.0, 0.0)
        self._device.apply(self._sent)

    def _differs(self, state: SupplyState) -> str:
        kept, sent = state.setpoint, self._sent
        if sent is None or self._alike(
            kept.voltage_v, sent.voltage_v, kept.current_a, sent.current_a
        ):
            return ""
        return (
            f"set-point {sent.voltage_v:g} V {sent.current_a:g} A was sent, "
            f"{kept.voltage_v:g} V {kept.current_a:g} A reads back"
        )

    def _ask_protection(self) -> str:
        sent = self._protection
        if sent is None:
            return ""
        kept = self._device.read_protection()
        if self._alike(kept.ovp_v, sent.ovp_v, kept.ocp_a, sent.ocp_a):
            return ""
        return (
            f"OVP {sent.ovp_v:g} V OCP {sent.ocp_a:g} A was sent, "
            f"{kept.ovp_v:g} V {kept.ocp_a:g} A reads back"
        )

    def _alike(self, kept_v: float, sent_v: float, kept_a: float, sent_a: float) -> bool:
        """Within one count, as the supply rounds; NaN is like nothing."""
        return (
            abs(kept_v - sent_v) <= self.ratings.voltage_resolution_v + 1e-9
            and abs(kept_a - sent_a) <= self.ratings.current_resolution_a + 1e-9
        )


def _untold(shown_v: float, bank_v: float) -> str:
    """Why terminals that were to stand at half of `bank_v` tell nothing of the contactor."""
    if shown_v >= 0.25 * bank_v:  # NaN tells nothing
        return ""
    return (
        f"the contactor is not seen open: the supply, told to be on at {bank_v / 2:.2f} V, shows "
        f"{shown_v:.2f} V at its terminals"
    )
