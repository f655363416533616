"""The fault switchboard: what is wrong with each simulated instrument right now.

A fault is data: a few traits that the servers ask for at the places where it would act.  To add
a fault, add a row; to add a new kind of misbehaviour, add a trait and the one place that asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

INSTRUMENTS = ("supply", "meter", "scanner", "relay")
MEASURING = INSTRUMENTS[:3]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave, and which instruments can."""

    words: str
    instruments: tuple[str, ...] = INSTRUMENTS
    swallows: bool = False  # nothing that is sent arrives, nothing is answered
    mutes: bool = False  # what is sent is obeyed, nothing is answered
    repeats: bool = False  # measured values stay the same while current flows
    holds_output: bool = False  # the output stays on when it is told to go off
    hides_output: bool = False  # the output reads back off, whatever it does
    latches: bool = False  # what was closed for a time stays closed


FAULTS: Mapping[str, Fault] = {
    "none": Fault("works"),
    "silence": Fault("hears nothing and answers nothing", swallows=True),
    "mute": Fault("obeys and answers nothing", instruments=("supply", "relay"), mutes=True),
    "stuck": Fault(
        "repeats its last measured reply while current flows", instruments=MEASURING, repeats=True
    ),
    "refuse_off": Fault("ignores output off", instruments=("supply",), holds_output=True),
    "lies_off": Fault(
        "ignores output off and says it is off",
        instruments=("supply",),
        holds_output=True,
        hides_output=True,
    ),
    "no_timer": Fault("never opens by itself", instruments=("relay",), latches=True),
}


class UnknownFault(ValueError):
    """The instrument or the fault does not exist here; the message says what does."""


class Switchboard:
    """Which fault each fitted instrument has; one server thread asks, the hands set it."""

    def __init__(self, instruments: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._names = dict.fromkeys(instruments, "none")
        self._frozen: dict[tuple[str, str], str] = {}

    @property
    def names(self) -> Mapping[str, str]:
        """The fault's name by instrument."""
        with self._lock:
            return dict(self._names)

    def set(self, instrument: str, fault: str) -> None:
        if instrument not in self._names:
            raise UnknownFault(
                f"no instrument {instrument!r} on this bench: {', '.join(self._names)}"
            )
        allowed = [name for name, row in FAULTS.items() if instrument in row.instruments]
        if fault not in allowed:
            raise UnknownFault(f"no fault {fault!r} for the {instrument}: {', '.join(allowed)}")
        with self._lock:
            self._names[instrument] = fault

    def of(self, instrument: str) -> Fault:
        with self._lock:
            return FAULTS[self._names[instrument]]

    def measured(
        self, instrument: str, what: str, *, current_flows: bool, fresh: Callable[[], str]
    ) -> str:
        """The text of a measured value: a fresh one, or the last one of a stuck instrument.

        `what` tells apart the values that one instrument measures.  A stuck instrument comes
        back to life as soon as no current flows.
        """
        key = (instrument, what)
        with self._lock:
            stuck = FAULTS[self._names[instrument]].repeats and current_flows
            if stuck and key in self._frozen:
                return self._frozen[key]
        text = fresh()
        with self._lock:
            self._frozen[key] = text
        return text
