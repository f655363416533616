"""The guardian: one bench, one output, one session at a time.

Everything here runs in one thread and waits for nothing: instruments, disk and callers answer
through the loop.  `watch` looks at the bench, `requests` hears the callers, `closing` writes the
end of a session; what a session is, and when it must end, is here.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from stations.clock import Clock, guard_s, wall_now
from stations.config import BenchConfig
from stations.guardian.closing import Closing
from stations.guardian.contactor import Contactor
from stations.guardian.fence import Fence
from stations.guardian.lane import Answer, Lane
from stations.guardian.load import LoadHand
from stations.guardian.lockout import Lockout
from stations.guardian.off import OffKeeper
from stations.guardian.peer import Peer
from stations.guardian.recorder import LeftOpen, Recorder
from stations.guardian.retry import Retry
from stations.guardian.router import Router
from stations.guardian.session import Ending, Session, expired, expires_s, interrupted
from stations.guardian.supply import SupplyHand
from stations.guardian.watch import Watch
from stations.plain import to_plain
from stations.values import Event, Identity, OffProof

_log = logging.getLogger(__name__)


class Guardian:
    """State of one bench, and how it changes."""

    def __init__(
        self,
        config: BenchConfig,
        *,
        clock: Clock,
        supply: Lane[SupplyHand],
        lanes: Mapping[str, Lane[Any]],
        recorder: Recorder,
        fence: Fence,
        lockout: Lockout,
    ) -> None:
        self.config = config
        self.clock = clock
        self.supply = supply
        self.lanes = lanes
        self.load: Lane[LoadHand] | None = lanes.get("load")
        self.recorder = recorder
        self.fence = fence
        self.lockout = lockout
        self.contactor = self._contactor()
        self.router = self._router()
        self.off = OffKeeper(
            supply,
            config.timing.retry_s,
            self._alarmed,
            lockout=lockout,
            contactor=self.contactor,
            load=self.load,
        )
        self.watch = Watch(self)
        self.closing = Closing(self)
        self.session: Session | None = None
        self.runner: Peer | None = None
        self.identities: Mapping[str, Identity] = {}
        self.commanding = False  # a command to supply or load is under way
        self.journal_alarm = ""  # a journal that was put aside: until a person has looked
        self.disk_alarm = ""  # the disk refused the last record
        self.left_open = Retry()  # closing the journals of a guardian that died
        self.shut_down_s = math.inf

    def _contactor(self) -> Contactor | None:
        if "relay" not in self.lanes:
            return None
        timing = self.config.timing
        return Contactor(
            self.lanes["relay"],
            rearm_s=timing.rearm_s,
            retry_s=timing.retry_s,
            changed=lambda words: self.event("alarm", {"words": words}),
        )

    def _router(self) -> Router | None:
        if self.config.router is None:
            return None
        return Router(self.lanes["router"], len(self.config.router.channels))

    # What the world may know

    @property
    def alarm(self) -> str:
        contactor = self.contactor.alarm if self.contactor else ""
        off = self.lockout.words or self.off.alarm
        disk = self.closing.unwritten.alarm or self.disk_alarm or self.left_open.alarm
        alarms = (off, contactor, disk, self.journal_alarm)
        return "; ".join(words for words in alarms if words)

    @property
    def active(self) -> Session | None:
        """The session, unless it is being closed."""
        return None if self.closing.under_way else self.session

    @property
    def finished(self) -> bool:
        """An ending guardian may leave: everything proven and written, or no more patience."""
        proven = self.off.output == "off" and not self.off.wanted and self.session is None
        return guard_s() >= self.shut_down_s or (self.shutting_down and proven)

    @property
    def shutting_down(self) -> bool:
        return self.shut_down_s < math.inf

    # Begin and end of the process

    def begin(self) -> None:
        """The first act of every guardian: off, proven; then what a dead one left open."""
        self.off.demand(self._began, patient=True)

    def _began(self, proof: OffProof | None) -> None:
        self._end_left_open(proof)
        self.event("guardian_began", {"off": proof})

    def _end_left_open(self, proof: OffProof | None) -> None:
        ended = partial(self._left_open_ended, proof)
        outcome = interrupted("guardian restarted")
        self.recorder.end_left_open(outcome, to_plain(proof), ended)

    def _left_open_ended(self, proof: OffProof | None, answer: Answer) -> None:
        left = LeftOpen(refused=(str(answer.error),)) if answer.error else answer.value
        known = (self.journal_alarm, *left.corrupt)
        self.journal_alarm = "; ".join(words for words in known if words)
        if left.refused:
            words = f"a journal left open cannot be closed: {'; '.join(left.refused)}"
            self.left_open.later(words, partial(self._end_left_open, proof))
        else:
            self.left_open.done()

    def shut_down(self) -> None:
        """Somebody ends this process: off, proven, journalled."""
        if not self.shutting_down:
            self.shut_down_s = guard_s() + self.config.timing.shut_down_s
            reason = "the guardian was asked to end"
            self.end("safe_hold", reason, resumable=True)
            self.closing.begin(interrupted(reason))

    # Time

    def due_s(self) -> float:
        """Guard time at which `tick` has something to do."""
        times = [self.off.due_s(), self.watch.due_s(), self.shut_down_s]
        times += [self.left_open.due_s(), self.closing.unwritten.due_s()]
        if self.contactor is not None:
            times.append(self.contactor.due_s())
        if self.active is not None:
            times.append(expires_s(self.active, self.config.timing))
        return min(times)

    def tick(self, now_s: float) -> None:
        self.off.tick(now_s)
        if self.contactor is not None:
            self.contactor.tick(now_s)
        self._expire(now_s)
        self.left_open.tick(now_s)
        self.closing.unwritten.tick(now_s)
        self.watch.tick(now_s)

    def _expire(self, now_s: float) -> None:
        session = self.active
        if session is None:
            return
        if session.ending is not None:
            if now_s >= session.ending.until_s:
                self.closing.begin(session.ending.outcome)
            return
        reason = expired(session, self.config.timing, now_s)
        if reason:
            self.end("safe_hold", reason, resumable=True)
            if now_s - session.heard_s > self.config.timing.deadman_s:
                self.closing.begin(interrupted(reason))

    # The record

    def event(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        push: bool = False,
        at: datetime | None = None,
        then: Callable[[Answer], None] | None = None,
    ) -> None:
        """Journal an event (of now, or `at`); `push` it to the runner from disk, call `then`."""
        event = Event(kind, at or self.clock.now(), wall_now(), data)
        _log.info("%s %s", kind, data.get("reason") or data.get("words") or data.get("name") or "")
        body = {"kind": "event", "event": to_plain(event)}
        runner = self.runner if push else None
        self.recorder.append(body, partial(self._wrote, runner, body["event"], then))

    def _wrote(
        self,
        runner: Peer | None,
        event: Any,
        then: Callable[[Answer], None] | None,
        answer: Answer,
    ) -> None:
        if answer.error is not None:
            self.unwritable(answer.error)
        else:
            self.disk_alarm = ""
        if runner is not None:  # also when the disk is full: the runner must know
            runner.send({"event": event})
        if then is not None:
            then(answer)

    def unwritable(self, error: Exception) -> None:
        """No evidence, no charge."""
        self.disk_alarm = f"the journal cannot be written: {error}"
        self.end("safe_hold", self.disk_alarm)

    def _alarmed(self, words: str) -> None:
        self.event("alarm", {"words": words or "the supply answers again, its output is off"})

    # The runner's connection

    def gone(self, peer: Peer) -> None:
        """A connection ended; the runner's takes the output with it."""
        session = self.active
        if peer is not self.runner or session is None:
            return
        reason = "the runner's connection ended"
        outcome = session.ending.outcome if session.ending else interrupted(reason)
        self.end("safe_hold", reason, resumable=True)
        self.closing.begin(outcome)

    # Off

    def switch_off(self, then: Callable[[OffProof | None], None] | None = None) -> None:
        """Off now; a sample under way is dropped, for it would mix on and off."""
        self.watch.drop()
        if self.session is not None:
            self.session = self.session.off()
        self.off.demand(then)

    def end(self, kind: str, reason: str, *, resumable: bool = False) -> None:
        """The guardian's own decision: off, proven, told; nothing energises any more.

        `resumable`: the cause lies in neither cells nor instruments, or may pass by itself.
        The runner has a few seconds to note its own outcome and close; then it is closed.
        """
        session = self.active
        if session is None or session.ending is not None:
            self.switch_off()
            return
        until_s = guard_s() + self.config.timing.ending_s
        self.session = replace(session, ending=Ending(kind, reason, until_s, resumable))
        told = {"reason": reason, "resumable": resumable}
        self.switch_off(lambda proof: self.event(kind, {**told, "off": proof}, push=True))
