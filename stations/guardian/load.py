"""What the guardian does with a load: its own ends and what it draws with it off, then read it.

A load that nobody speaks to any more goes on drawing, so its own cut-off and timer are set and
read back before every ON.
"""

from __future__ import annotations

from typing import ClassVar

from stations.clock import Clock
from stations.drivers.protocols import Load, LoadState, OutOfRange
from stations.guardian.switched import ReadBackDiffers, SwitchedHand, parted_problem
from stations.values import Draw, LoadRatings

TIMER_COUNT_S = 1.0  # a load rounds its timer up to whole seconds


class LoadHand(SwitchedHand[Load, LoadState]):
    """The acts on one load; called by one thread only, `latency_s` is its longest answer."""

    role: ClassVar[str] = "load"

    def __init__(self, load: Load, clock: Clock, latency_s: float) -> None:
        super().__init__(load, clock, latency_s, load.ratings.current_resolution_a)
        self.ratings: LoadRatings = load.ratings
        self._sent_a: float | None = None
        self._draw: Draw | None = None

    def configure(self, draw: Draw) -> None:
        """Its own ends first, then the current, both read back; only with the load off.

        Where it holds a voltage that is one of its ends, and the current its limit.
        """
        if draw.holds and not self.ratings.has_cv:
            raise OutOfRange(f"{self.ratings.model} holds no voltage: ask for a constant current")
        with self._noting_silence():
            if self._device.read().output_on:
                raise ReadBackDiffers("the load is on: nothing was set")
            if draw.holds:
                self._device.hold(draw.cutoff, draw.current_a)
            else:
                self._device.protect(draw.cutoff)
            self._draw, self._protected = draw, True
            self._same(self._protection_differs())
            self._sent_a = draw.current_a
            if not draw.holds:
                self._device.apply(draw.current_a)
            self._same(self._differs(self._device.read()))

    def see_parted(self, bank_v: float) -> float:
        """Through an open contactor its own voltmeter must not show the bank; the volts shown."""
        with self._noting_silence():
            shown_v = self._device.read().voltage_v
        self._same(parted_problem(self.role, shown_v, bank_v))
        return shown_v

    def _state(self) -> LoadState:
        return self._device.read()

    def _amps(self, state: LoadState) -> float:
        return -state.drawn_a if state.drawn_a else 0.0

    def _zero(self) -> None:
        self._sent_a = 0.0
        self._device.apply(0.0)

    def _differs(self, state: LoadState) -> str:
        sent_a = self._sent_a
        count_a = self.ratings.current_resolution_a + 1e-9
        if sent_a is None or abs(state.level_a - sent_a) <= count_a:
            return ""
        return f"a draw of {sent_a:g} A was sent, {state.level_a:g} A reads back"

    def _ask_protection(self) -> str:
        if self._draw is None:
            return ""
        sent, kept = self._draw.cutoff, self._device.read_protection()
        alike = (
            abs(kept.voltage_v - sent.voltage_v) <= self.ratings.voltage_resolution_v + 1e-9
            and abs(kept.duration_s - sent.duration_s) <= TIMER_COUNT_S
        )
        if alike:
            return ""
        return (
            f"a cut-off at {sent.voltage_v:g} V or {sent.duration_s:g} s was sent, "
            f"{kept.voltage_v:g} V or {kept.duration_s:g} s reads back"
        )
