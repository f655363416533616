"""Closing a session: output proven off, routes open, its record written; then the bench is free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from stations.guardian.lane import OFF, Answer
from stations.guardian.peer import Ask
from stations.guardian.retry import Retry
from stations.guardian.session import Session
from stations.journal import JournalUnwritable
from stations.plain import to_plain
from stations.values import OffProof

if TYPE_CHECKING:
    from stations.guardian.core import Guardian

Outcome = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Closed:
    """What the last session left: for a runner that asks after the guardian has closed it."""

    token: int
    result: Mapping[str, Any]


class Closing:
    """Of one guardian, however often it has a session to close."""

    def __init__(self, guardian: Guardian) -> None:
        self.last: Closed | None = None
        self.unwritten = Retry()  # a close record that the disk refused
        self.on_free: Callable[[], None] | None = None  # an opening that waits for its turn
        self._guardian = guardian
        self._asks: list[Ask] | None = None  # who waits for the close that is under way

    @property
    def under_way(self) -> bool:
        return self._asks is not None

    def begin(self, outcome: Outcome, ask: Ask | None = None) -> None:
        """Write the close record once the output is proven off, however long that takes."""
        guardian = self._guardian
        asks = [ask] if ask is not None else []
        if self._asks is not None:
            self._asks += asks
            return
        if guardian.session is None:
            return
        self._asks = asks
        guardian.session = guardian.session.off()
        guardian.watch.drop()
        guardian.off.demand(partial(self._part_routes, outcome), patient=True)

    def _part_routes(self, outcome: Outcome, proof: OffProof | None) -> None:
        """Output off: the leads come off every cell before the session's record is closed."""
        guardian = self._guardian
        if guardian.router is None:
            self._write(outcome, proof)
            return

        def parted(answer: Answer) -> None:
            if answer.error is None:
                guardian.event("routes_open", {})
            else:
                guardian.event("alarm", {"words": f"the routes are not seen open: {answer.error}"})
            self._write(outcome, proof)

        guardian.router.lane.submit(OFF, lambda hand: hand.part(), parted)

    def _write(self, outcome: Outcome, proof: OffProof | None) -> None:
        session = self._guardian.session
        assert session is not None  # noqa: S101  only this closing sets it to None
        body = {
            "kind": "close",
            "outcome": dict(outcome),
            "off": to_plain(proof),
        }
        again = partial(self._write, outcome, proof)
        self._guardian.recorder.end(body, partial(self._ended, session, again))

    def _ended(self, session: Session, again: Callable[[], None], answer: Answer) -> None:
        guardian = self._guardian
        if isinstance(answer.error, JournalUnwritable):
            self._not_written(answer.error, again)
            return
        self.unwritten.done()
        asks, self._asks = self._asks or [], None
        runner, guardian.session, guardian.runner = guardian.runner, None, None
        if answer.error is not None:
            guardian.unwritable(answer.error)
            for ask in asks:
                ask.refuse("refused", guardian.disk_alarm)
        else:
            guardian.disk_alarm = ""
            self.last = Closed(session.token, answer.value)
            for ask in asks:
                ask.reply(**self.last.result)
        if runner is not None and not asks:
            runner.hang_up()  # it did not ask for this: a zombie must find nobody
        if self.on_free is not None:
            self.on_free()

    def _not_written(self, error: Exception, again: Callable[[], None]) -> None:
        """The session stays until its journal is closed: nobody else is let on the bench."""
        self.unwritten.later(f"the journal cannot be closed: {error}", again)
        asks, self._asks = self._asks or [], []
        for ask in asks:
            ask.refuse("refused", self.unwritten.alarm)
        if self.on_free is not None:
            self.on_free()
