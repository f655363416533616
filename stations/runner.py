"""Run a program on a bench: take the next reading, decide, ask; no other logic.

The runner owns nothing that keeps anyone safe: the guardian behind the bench switches off when
the runner falls silent.  What it must do itself is ask for nothing after doubt, and leave on
every way out with the output off and proven.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from stations.bench import Bench, BenchError, BenchLost
from stations.plain import to_plain
from stations.procedures import by_hand, led
from stations.procedures.actions import Finish, Next, Outcome, Refuse, SafeHold, Set, Trip
from stations.procedures.charging import begins_at, essentially_balanced
from stations.procedures.decide import decide
from stations.procedures.handling import UNSAID, only_takes_off
from stations.procedures.progress import (
    close_step,
    confirm,
    current_stopped,
    done_words,
    enter_next,
)
from stations.procedures.state import Run
from stations.procedures.steps import (
    DRIVEN,
    SUPPLIED,
    Charge,
    Discharge,
    Measure,
    Program,
    Verify,
    Wait,
)
from stations.values import NAN, Event, Reading, Setpoint

# Events by which the guardian ends a run, its output already off, and what the run is then.
ENDS = {"stop": "STOPPED", "trip": "TRIPPED", "safe_hold": "ERROR"}


def unopposed() -> Sequence[str]:
    """Nobody objects."""
    return ()


def run(state: Run, bench: Bench, objections: Callable[[], Sequence[str]] = unopposed) -> Outcome:
    """Interpret the program of `state` on `bench` to its end; never raises for what a bench can do.

    `state` is a `begun` run or a `resumed` one.  FINISHED, REFUSED, TRIPPED, ERROR, STOPPED and
    INTERRUPTED stay apart; a charge that was cut short is closed as partial in the run's records.
    `objections` is asked when a Wait is over, with the output off: any, in words, refuses the run.
    It answers well within the dead-man, or raises BenchLost.
    """
    execution = Execution(state, bench, objections)
    return execution.left_off(execution.played())


def begun(program: Program, at: datetime) -> Run:
    """A run of `program` at its first step; `at` is process time."""
    return Run(
        program=program,
        started_at=at,
        step_entered_at=at,
        current_stopped=program.current_stopped,
    )


class Execution:
    """One attempt under way: the frozen state, and the bench it is asked of."""

    def __init__(
        self, state: Run, bench: Bench, objections: Callable[[], Sequence[str]] = unopposed
    ) -> None:
        self.state = state
        self.unclosed = state
        self.bench = bench
        self.objections = objections

    def played(self) -> Outcome:
        """The outcome, not yet seen to be off."""
        try:
            return self.play()
        except BenchError as error:
            return self.broken_off(error)

    def play(self) -> Outcome:
        self._announce()
        self._route()
        while True:
            item = self.bench.next()
            outcome = self._event(item) if isinstance(item, Event) else self._reading(item)
            if outcome is not None:
                return outcome

    def _reading(self, reading: Reading) -> Outcome | None:
        before, alarms = self.state, self.state.alarms
        self.state, action = decide(self.state, reading, reading.at)
        self._note_scan(before)
        for words in self.state.alarms[len(alarms) :]:
            self.bench.note("alarm", {"words": words})
        match action:
            case Set(setpoint):
                self._adjust(setpoint)
            case Next():
                return self._next(reading.at)
            case Finish():
                self._note_record()
                return self.ended("FINISHED", done_words(self.state))
            case Refuse(problems):
                return self.ended("REFUSED", " ".join(problems), problems)
            case Trip(reason):
                return self._cut("TRIPPED", reason, reading.at)
            case SafeHold(reason, resumable):
                return self._cut("INTERRUPTED" if resumable else "ERROR", reason, reading.at)
        return None

    def _adjust(self, setpoint: Setpoint) -> None:
        """Change the set-point; what has arrived by then was read before and asks for no more."""
        self.bench.adjust(setpoint)
        older = [item.seq for item in self.bench.arrived() if isinstance(item, Reading)]
        self.state = replace(self.state, set_seq=max([self.state.set_seq, *older]))

    def _event(self, event: Event) -> Outcome | None:
        if event.kind in ENDS:
            return self._ended_by(event)
        if event.kind == "act":
            self._act(event)
        return None

    def _ended_by(self, event: Event) -> Outcome:
        reason = str(event.data.get("reason", event.kind))
        kind = "INTERRUPTED" if event.data.get("resumable") else ENDS[event.kind]
        return self._cut(kind, reason, event.at)

    def _act(self, event: Event) -> None:
        """What a person did: confirmed a step, read or scanned a cell; what fits not is noted."""
        try:
            if event.data.get("kind") == "confirm":
                answer = float(event.data.get("answer") or NAN)
                self.state = confirm(self.state, str(event.data.get("step", "")), answer)
            elif event.data.get("kind") == "reading":
                self.state = by_hand.read(
                    self.state, event.data, at=event.at, received_at=event.received_at
                )
            elif event.data.get("kind") == "scan":
                before = self.state
                self.state = led.scanned(
                    before, event.data, at=event.at, received_at=event.received_at
                )
                self._note_scan(before)
        except ValueError as error:
            kind = "unread" if event.data.get("kind") == "scan" else "ignored"
            self.bench.note(kind, {"act": event.data.get("id"), "words": str(error)})

    def _note_scan(self, before: Run) -> None:
        """What became of a scanned cell: read, by what the meter showed, or not, and why."""
        scan, state = before.scan, self.state
        if scan is None or scan == state.scan:
            return
        told: dict[str, Any] = {"act": scan.act, "cell": scan.position}
        if state.typed and state.typed != before.typed:
            last = state.typed[-1]
            told |= {"voltage_v": last.voltage_v, "received_at": last.received_at.isoformat()}
            self.bench.note("read", told)
        else:
            self.bench.note("unread", told | {"words": state.unread})

    def _next(self, at: datetime) -> Outcome | None:
        self._note_record()
        if isinstance(self.state.step, Wait):
            words = tuple(self.objections())
            self.bench.note("asked", {"objections": list(words)})
            if words:
                return self.ended("REFUSED", " ".join(words), words)
        if isinstance(self.state.step, DRIVEN):
            proof = self.bench.off()
            self.state = current_stopped(self.state, proof)
            at = max(at, proof.at)
            self.bench.note("current_stopped", to_plain(proof))
        self.state = enter_next(self.state, at)
        self._announce()
        self._route()
        step = self.state.step
        if isinstance(step, SUPPLIED):
            first = begins_at(self.state, step)
            self.bench.configure(first, step.protection)
            self.state = replace(self.state, setpoint=first, set_seq=self.state.last_seq)
        elif isinstance(step, Discharge):
            self.bench.configure_load(step.draw)
        if isinstance(step, DRIVEN):
            self.state = replace(self.state, step_entered_at=self.bench.energise())
        return None

    def _route(self) -> None:
        """Where a router moves the leads, the step begins once they are seen there.

        A Wait looks at what is verified after it.
        """
        step = self.state.step
        if isinstance(step, Wait):
            step = self.state.program.steps[self.state.step_index + 1]
        if isinstance(step, Verify | Measure) and step.routed:
            cell = step.cell if isinstance(step, Verify) else 0
            self.state = replace(self.state, step_entered_at=self.bench.route(cell))
        if isinstance(self.state.step, Wait):
            self.bench.see_parted()  # while somebody is still there to hear of it

    def _announce(self) -> None:
        step = self.state.step
        self.bench.note(
            "step",
            {
                "index": self.state.step_index,
                "name": step.name,
                "title": step.title,
                "kind": type(step).__name__.lower(),
            },
        )

    def _note_record(self) -> None:
        """What the present step left: a comparison of cells has a record for each."""
        own = (self.state.step.name, self.state.entered_at)
        for record in self.state.records:
            if (record.step, record.entered_at) == own:
                self.bench.note("record", to_plain(record))

    def _cut(self, kind: str, reason: str, at: datetime) -> Outcome:
        """End in the middle of a step; whatever it reached stays on its record.

        A person's stop between the two tail limits leaves an essentially balanced bank (B2); a
        trip or a doubt never does.  Where all was measured the program is done, whoever stopped
        the wait for the leads to come off, or was lost in it.
        """
        self.unclosed = self.state
        if self._recorded():
            return self.ended(kind, reason)
        if only_takes_off(self.state) and kind in ("STOPPED", "INTERRUPTED"):
            self.state = close_step(self.state, at, (UNSAID, reason))
            return self.ended("FINISHED", done_words(self.state))
        step, until = self.state.step, self.state.last_at or at  # what was seen, not what was told
        held = isinstance(step, Charge) and essentially_balanced(self.state, step, until)
        remarks = ("essentially balanced", reason) if held and kind == "STOPPED" else (reason,)
        self.state = close_step(self.state, at, remarks)
        return self.ended(kind, reason)

    def _recorded(self) -> bool:
        """Whether the present step has its record: it broke off on the way to the next one."""
        last = self.state.records[-1] if self.state.records else None
        entered = (self.state.step.name, self.state.entered_at)
        return last is not None and (last.step, last.entered_at) == entered

    def broken_off(self, error: BenchError) -> Outcome:
        """The bench refused or was lost.  Where the guardian had ended the run, that is why.

        A stop or a trip at the very moment of a command makes the command fail; the run is
        STOPPED or TRIPPED all the same.
        """
        with suppress(BenchError):
            self.bench.off()
        for item in self.bench.arrived():
            if isinstance(item, Event) and item.kind in ENDS:
                return self._ended_by(item)
        kind = "INTERRUPTED" if isinstance(error, BenchLost) else "ERROR"
        return self._cut(kind, str(error), self.state.last_at or self.state.entered_at)

    def ended(self, kind: str, reason: str, problems: tuple[str, ...] = ()) -> Outcome:
        return Outcome(
            kind=kind, reason=reason, run=self.state, unclosed=self.unclosed, problems=problems
        )

    def left_off(self, outcome: Outcome) -> Outcome:
        """The outcome with the output proven off; without the proof it is an ERROR.

        A lost guardian goes on to off by itself: its journal says how the attempt ended.
        """
        try:
            proof = self.bench.off()
        except BenchLost as lost:
            return replace(outcome, kind="INTERRUPTED", reason=f"{outcome.reason}; {lost}")
        except BenchError as error:
            reason = f"{outcome.reason}; the output could not be proven off: {error}"
            return replace(outcome, kind="ERROR", reason=reason)
        if isinstance(outcome.run.step, DRIVEN):
            outcome = replace(outcome, run=current_stopped(outcome.run, proof))
        return outcome
