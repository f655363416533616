"""What the guardian does with a supply, one bounded act at a time, in the supply's own lane.

Rules that were paid for elsewhere: a write is never repeated blindly, a command that timed out
may still be obeyed later, a read-back alone proves nothing.  So after any silence the link is
made anew, OFF is sent again, and off counts only when the supply's own state and its measured
current say so twice, apart by the longest latency; and ON is never sent soon after a silence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from stations.clock import Clock, guard_s, wall_now
from stations.drivers.protocols import (
    BadReply,
    InstrumentError,
    InstrumentSilent,
    PowerSupply,
    SupplyState,
)
from stations.values import Identity, OffProof, Protection, Setpoint, SupplyRatings

CURRENT_COUNTS = 2  # measured current of an output that is off, in counts: below this
PROTECTION_S = 1.0  # guard time between two looks at OVP and OCP: somebody may turn the knobs
LOOKS = 3  # how often one try looks for the current to be gone


class NotOff(Exception):
    """One try did not prove the output off; `output` is "on" or "unknown"."""

    def __init__(self, words: str, output: str) -> None:
        super().__init__(words)
        self.output = output


class ReadBackDiffers(Exception):
    """The supply holds another value than the one sent; the message names both."""


class TooSoon(Exception):
    """A command that timed out may still be under way; ask again a moment later."""


class Overtaken(Exception):
    """Somebody asked for OFF while this command was waiting; it was not sent."""


@dataclass(frozen=True, slots=True)
class SupplyRead:
    """One read-back, and whether set-point and protection are the ones we last sent."""

    state: SupplyState
    as_set: bool
    protected: bool = True


class SupplyHand:
    """The acts on one supply; called by one thread only, `latency_s` is its longest answer."""

    def __init__(self, supply: PowerSupply, clock: Clock, latency_s: float) -> None:
        self.ratings: SupplyRatings = supply.ratings
        self._supply = supply
        self._clock = clock
        self._latency_s = latency_s
        self._silent_s = -1e9  # guard time of the last silence
        self._sent: Setpoint | None = None
        self._protection: Protection | None = None
        self._protected = True
        self._protection_seen_s = 0.0

    def read(self) -> SupplyRead:
        with self._noting_silence():
            state = self._supply.read()
            if guard_s() - self._protection_seen_s >= PROTECTION_S:
                self._protected = not self._protection_differs()
        as_set = self._sent is None or self._differs(state.setpoint) == ""
        return SupplyRead(state, as_set, self._protected)

    def identify(self) -> Identity:
        with self._noting_silence():
            return self._supply.identify()

    def prepare(self) -> None:
        with self._noting_silence():
            self._supply.prepare()

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        """Protection first, then the set-point, both read back; only with the output off."""
        with self._noting_silence():
            if self._supply.read().output_on:
                raise ReadBackDiffers("the supply's output is on: nothing was set")
            self._supply.protect(protection)
            self._protection, self._protected = protection, True
            self._same(self._protection_differs())
            self._sent = setpoint
            self._supply.apply(setpoint)
            self._same_setpoint(self._supply.read().setpoint)

    def energise(self, wanted: Callable[[], bool], *, contactor: bool = False) -> None:
        """Output on and seen on; `wanted` is asked at the last moment.

        Through a `contactor` that has just pulled in it is seen first that no current flows:
        until then nothing could flow, so what the supply said of its output proved nothing.
        """
        quiet_s = guard_s() - self._silent_s
        if not quiet_s > 2 * self._latency_s:
            raise TooSoon(f"the supply was silent {quiet_s:.1f} s ago: wait, then ask again")
        if contactor:
            with self._noting_silence():
                self._look()
        if not wanted():
            raise Overtaken("the output was asked to be off meanwhile")
        with self._noting_silence():
            self._supply.output(True)
            state = self._supply.read()
        if not state.output_on:
            reason = f"{state.tripped} tripped" if state.tripped else "it reads back off"
            raise ReadBackDiffers(f"the output did not stay on: {reason}")
        self._same_setpoint(state.setpoint)

    def adjust(self, setpoint: Setpoint, wanted: Callable[[], bool]) -> None:
        if not wanted():
            raise Overtaken("the output was asked to be off meanwhile")
        with self._noting_silence():
            self._sent = setpoint
            self._supply.apply(setpoint)
            self._same_setpoint(self._supply.read().setpoint)

    def off(self, *, zero: bool = False) -> OffProof:
        """One try to switch off and prove it, some time-outs long; raises NotOff.

        `zero` also takes voltage and current to nothing, for a supply that refuses to obey.
        The proof's times are those of the first look that showed the output off.
        """
        try:
            return self._off(zero)
        except InstrumentError as error:
            self._silent_s = guard_s()
            with suppress(InstrumentError):
                self._supply.reopen()
            raise NotOff(f"no proof that the output is off: {error}", "unknown") from error

    def close(self) -> None:
        self._supply.close()

    def _off(self, zero: bool) -> OffProof:
        try:
            self._supply.output(False)
        except InstrumentError:
            self._silent_s = guard_s()
            self._supply.reopen()
            self._supply.output(False)
        if zero:
            self._sent = Setpoint(0.0, 0.0)
            self._supply.apply(self._sent)
        proof = self._look()
        if guard_s() - self._silent_s <= 2 * self._latency_s:
            threading.Event().wait(self._latency_s)  # an old command may still be on its way
        self._look()
        return proof

    def _look(self) -> OffProof:
        """One look that shows the output off; the current has a few reads to be gone."""
        limit_a = CURRENT_COUNTS * self.ratings.current_resolution_a - 1e-9
        for _ in range(LOOKS):
            state = self._supply.read()
            at, received_at = self._clock.now(), wall_now()
            if state.output_on:
                raise NotOff("the supply reads back on after OFF", "on")
            if abs(state.current_a) < limit_a:
                return OffProof(at, received_at, state.current_a)
        raise NotOff(f"off by its state, but {state.current_a:g} A flow", "on")

    @contextmanager
    def _noting_silence(self) -> Iterator[None]:
        try:
            yield
        except (InstrumentSilent, BadReply):
            self._silent_s = guard_s()
            raise

    def _same_setpoint(self, kept: Setpoint) -> None:
        self._same(self._differs(kept))

    def _same(self, words: str) -> None:
        if words:
            raise ReadBackDiffers(words)

    def _differs(self, kept: Setpoint) -> str:
        sent = self._sent or kept
        if self._alike(kept.voltage_v, sent.voltage_v, kept.current_a, sent.current_a):
            return ""
        return (
            f"set-point {sent.voltage_v:g} V {sent.current_a:g} A was sent, "
            f"{kept.voltage_v:g} V {kept.current_a:g} A reads back"
        )

    def _protection_differs(self) -> str:
        """Ask the supply for OVP and OCP; how they differ from the ones that were sent."""
        self._protection_seen_s = guard_s()
        sent = self._protection
        if sent is None:
            return ""
        kept = self._supply.read_protection()
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
