"""What the guardian does with whatever can be on, one bounded act at a time, in its own lane.

Rules that were paid for elsewhere: a write is never repeated blindly, a command that timed out
may still be obeyed later, a read-back alone proves nothing.  So after any silence the link is
made anew, OFF is sent again, and off counts only when the instrument's own state and its measured
current say so twice, apart by the longest latency; and ON is never sent soon after a silence.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from stations.clock import Clock, guard_s, wall_now
from stations.drivers.protocols import BadReply, Instrument, InstrumentError, InstrumentSilent
from stations.values import Identity, OffProof

CURRENT_COUNTS = 2  # measured current of an output that is off, in counts: below this
PROTECTION_S = 1.0  # guard time between two looks at what protects: somebody may turn the knobs
LOOKS = 3  # how often one try looks for the current to be gone


class NotOff(Exception):
    """One try did not prove the output off; `output` is "on" or "unknown"."""

    def __init__(self, words: str, output: str) -> None:
        super().__init__(words)
        self.output = output


class ReadBackDiffers(Exception):
    """The instrument holds another value than the one sent; the message names both."""


class TooSoon(Exception):
    """A command that timed out may still be under way; ask again a moment later."""


class Overtaken(Exception):
    """Somebody asked for OFF while this command was waiting; it was not sent."""


def parted_problem(role: str, shown_v: float, bank_v: float) -> str:
    """Why the contactor, told to open and read back open, does not part `role` from a bank of
    `bank_v`; or "".  A supply is on at half of that, a load is off."""
    if shown_v <= 0.75 * bank_v:  # NaN is no proof
        return ""
    return (
        f"the contactor is welded or bypassed: it reads back open, and the {role}'s terminals "
        f"show {shown_v:.2f} V of the bank's {bank_v:.2f} V. Replace it before anything flows"
    )


class State(Protocol):
    @property
    def output_on(self) -> bool: ...

    @property
    def tripped(self) -> str: ...


class Switched(Instrument, Protocol):
    def prepare(self) -> None: ...

    def output(self, on: bool) -> None: ...


D = TypeVar("D", bound=Switched)
S = TypeVar("S", bound=State)


@dataclass(frozen=True, slots=True)
class ReadBack(Generic[S]):
    """One read-back, and whether what is set and what protects is what was sent last."""

    state: S
    as_set: bool
    protected: bool = True


class SwitchedHand(ABC, Generic[D, S]):
    """The acts on one instrument that can be on; called by one thread only.

    `latency_s` is its longest answer, `resolution_a` a count of its ammeter.
    """

    role: ClassVar[str]

    def __init__(self, device: D, clock: Clock, latency_s: float, resolution_a: float) -> None:
        self._device = device
        self._clock = clock
        self._latency_s = latency_s
        self._resolution_a = resolution_a
        self._silent_s = -1e9  # guard time of the last silence
        self._protected = True
        self._protection_seen_s = 0.0

    @abstractmethod
    def _state(self) -> S:
        """One read-back."""

    @abstractmethod
    def _amps(self, state: S) -> float:
        """Into the cells."""

    @abstractmethod
    def _differs(self, state: S) -> str:
        """How what is set differs from what was sent last, or ""."""

    @abstractmethod
    def _ask_protection(self) -> str:
        """Ask for what protects; how it differs from what was sent, or ""."""

    @abstractmethod
    def _zero(self) -> None:
        """Ask for nothing at all."""

    def identify(self) -> Identity:
        with self._noting_silence():
            return self._device.identify()

    def prepare(self) -> None:
        with self._noting_silence():
            self._device.prepare()

    def read(self) -> ReadBack[S]:
        with self._noting_silence():
            state = self._state()
            protected = self._still_protected()
        return ReadBack(state, self._differs(state) == "", protected)

    def energise(self, wanted: Callable[[], bool], *, contactor: bool = False) -> None:
        """Output on and seen on; `wanted` is asked at the last moment.

        Through a `contactor` that has just pulled in it is seen first that no current flows:
        until then nothing could flow, so what the instrument said of its output proved nothing.
        """
        quiet_s = guard_s() - self._silent_s
        if not quiet_s > 2 * self._latency_s:
            raise TooSoon(f"the {self.role} was silent {quiet_s:.1f} s ago: wait, then ask again")
        if contactor:
            self.look()
        if not wanted():
            raise Overtaken("the output was asked to be off meanwhile")
        with self._noting_silence():
            self._device.output(True)
            state = self._state()
        if not state.output_on:
            reason = f"{state.tripped} tripped" if state.tripped else "it reads back off"
            raise ReadBackDiffers(f"the output did not stay on: {reason}")
        self._same(self._differs(state))

    def look(self) -> OffProof:
        """See that it is off, without a command; raises NotOff."""
        with self._noting_silence():
            return self._look()

    def off(self, *, zero: bool = False) -> OffProof:
        """One try to switch off and prove it, some time-outs long; raises NotOff.

        `zero` also takes what is set to nothing, for an instrument that refuses to obey.
        The proof's times are those of the first look that showed the output off.
        """
        try:
            return self._off(zero)
        except InstrumentError as error:
            self._silent_s = guard_s()
            with suppress(InstrumentError):
                self._device.reopen()
            raise NotOff(f"no proof that the output is off: {error}", "unknown") from error

    def close(self) -> None:
        self._device.close()

    def _off(self, zero: bool) -> OffProof:
        try:
            self._device.output(False)
        except InstrumentError:
            self._silent_s = guard_s()
            self._device.reopen()
            self._device.output(False)
        if zero:
            self._zero()
        proof = self._look()
        if guard_s() - self._silent_s <= 2 * self._latency_s:
            threading.Event().wait(self._latency_s)  # an old command may still be on its way
        self._look()
        return proof

    def _look(self) -> OffProof:
        """One look that shows the output off; the current has a few reads to be gone."""
        limit_a = CURRENT_COUNTS * self._resolution_a - 1e-9
        for _ in range(LOOKS):
            state = self._state()
            at, received_at, amps = self._clock.now(), wall_now(), self._amps(state)
            if state.output_on:
                raise NotOff(f"the {self.role} reads back on after OFF", "on")
            if abs(amps) < limit_a:
                return OffProof(at, received_at, amps)
        raise NotOff(f"off by its state, but {amps:g} A flow", "on")

    def _still_protected(self) -> bool:
        """Asked again only now and then."""
        if guard_s() - self._protection_seen_s >= PROTECTION_S:
            self._protected = not self._protection_differs()
        return self._protected

    def _protection_differs(self) -> str:
        self._protection_seen_s = guard_s()
        return self._ask_protection()

    @contextmanager
    def _noting_silence(self) -> Iterator[None]:
        try:
            yield
        except (InstrumentSilent, BadReply):
            self._silent_s = guard_s()
            raise

    def _same(self, words: str) -> None:
        if words:
            raise ReadBackDiffers(words)
