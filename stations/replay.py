"""A run again from its journals: the same `decide` over the same readings, to the same verdict.

The journal's order is the order in which the runner heard things, and each of its commands left
an event there, so a bench that reads it out is heard the same way.  What a runner that died
knew is known again: from there a run is resumed, concluded, or explained.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stations.bench import BenchLost
from stations.journal import JournalRecord
from stations.plain import from_plain
from stations.procedures.actions import Outcome
from stations.procedures.resume import resumed
from stations.procedures.state import Run
from stations.procedures.steps import DRIVEN, Program
from stations.runner import ENDS, Execution, begun
from stations.values import Draw, Event, OffProof, Protection, Reading, Setpoint

COMMANDS = frozenset({"configured", "routed", "on", "set", "current_stopped", "asked"})


class JournalEnded(BenchLost):
    """Nothing more was journalled: here the runner, the guardian or the host was lost."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt again: what it came to, and how its journal was closed.

    `outcome` is INTERRUPTED where the runner had not come to an end of its own.  `closed` is
    the close record: outcome, last_seq and off.  `seen_at` is the wall time of the last reading.
    """

    token: int
    outcome: Outcome
    closed: Mapping[str, Any]
    seen_at: datetime | None

    @property
    def stopped(self) -> OffProof:
        return from_plain(OffProof, self.closed["off"])

    @property
    def driven(self) -> bool:
        """Whether the output was, or had just been, on when it broke off."""
        return isinstance(self.outcome.run.step, DRIVEN)

    @property
    def reason(self) -> str:
        return str(self.closed["outcome"].get("reason", ""))


def replay(program: Program, journals: Iterable[Sequence[JournalRecord]]) -> Attempt:
    """The last of the attempts whose journals come in order, each closed.

    Raises ValueError where there is none, or one does not fit the program.
    """
    last: Attempt | None = None
    for records in journals:
        header, closed = records[0].body, records[-1].body
        if header.get("kind") != "open" or closed.get("kind") != "close":
            raise ValueError("a journal that is replayed begins with open and ends with close")
        at = from_plain(datetime, header["at"])
        bench = _ReplayBench(records)
        execution = Execution(_state(program, last, at), bench, bench.objections)
        last = Attempt(int(header["token"]), execution.played(), closed, _seen_at(records))
    if last is None:
        raise ValueError("no attempt of this run was ever journalled")
    return last


def _state(program: Program, last: Attempt | None, at: datetime) -> Run:
    if last is None:
        return begun(program, at)
    return resumed(last.outcome.unclosed, at=at, stopped=last.stopped, reason=last.reason)


def _seen_at(records: Sequence[JournalRecord]) -> datetime | None:
    samples = (record for record in reversed(records) if record.kind == "sample")
    last = next(samples, None)
    return from_plain(datetime, last.body["reading"]["received_at"]) if last else None


class _ReplayBench:
    """Implements `stations.bench.Bench` on one journal."""

    def __init__(self, records: Sequence[JournalRecord]) -> None:
        self._items: deque[tuple[int, Reading | Event]] = deque()
        self._commands: deque[tuple[int, Event]] = deque()
        self._heard = 0  # the place of the last command's answer
        for place, record in enumerate(records):
            if record.kind == "sample":
                self._items.append((place, from_plain(Reading, record.body["reading"])))
            elif record.kind == "event":
                event = from_plain(Event, record.body["event"])
                if event.kind == "act" or event.kind in ENDS:
                    self._items.append((place, event))
                elif event.kind in COMMANDS:
                    self._commands.append((place, event))

    def next(self) -> Reading | Event:
        if not self._items:
            raise JournalEnded("the journal ends here")
        return self._items.popleft()[1]

    def arrived(self) -> Sequence[Reading | Event]:
        return tuple(item for place, item in self._items if place < self._heard)

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        self._command("configured")

    def configure_load(self, draw: Draw) -> None:
        self._command("configured")

    def route(self, cell: int) -> datetime:
        return self._command("routed").at

    def see_parted(self) -> None:
        """What was refused is told by the guardian's own event."""

    def energise(self) -> datetime:
        return self._command("on").at

    def adjust(self, setpoint: Setpoint) -> None:
        self._command("set")

    def off(self) -> OffProof:
        return from_plain(OffProof, self._command("current_stopped").data)

    def objections(self) -> Sequence[str]:
        """What was answered once a Wait was over; a Wait that has no answer is not over."""
        return [str(words) for words in self._command("asked").data["objections"]]

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """It stands there already."""

    def _command(self, kind: str) -> Event:
        if not self._commands or self._commands[0][1].kind != kind:
            raise JournalEnded(f"the journal has no {kind} here")
        self._heard, event = self._commands.popleft()
        return event
