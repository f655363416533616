"""What callers may ask, one function per op; each answers now or when the bench has answered.

The runner's ops need the current token.  `stop` needs nothing and is never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stations.frozen import changed
from stations.guardian.commands import Commands, written
from stations.guardian.core import Guardian
from stations.guardian.opening import Opening, boot_id, describe_instruments
from stations.guardian.peer import Ask, Bad, Peer
from stations.guardian.session import (
    Session,
    describe,
    token_refusal,
    valid_problem,
)
from stations.plain import to_plain
from stations.values import OffProof

OWN_KINDS = frozenset({"act", "stop", "trip", "safe_hold", "guardian_began", "unlocked"})


class Requests:
    """The guardian's ear: every message of every peer comes here."""

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self._commands = Commands(guardian)
        self._opening: Opening | None = None
        self._open_ops: Mapping[str, Callable[[Ask], None]] = {
            "status": self._status,
            "stop": self._stop,
            "unlock": self._unlock,
            "open": self._open,
            "act": self._act,
            "lease": self._lease,
            "close": self._close,
            "off": self._off,
        }
        self._session_ops: Mapping[str, Callable[[Ask, Session], None]] = {
            "pet": lambda ask, session: ask.reply(),
            "configure": self._commands.configure,
            "configure_load": self._commands.configure_load,
            "route": self._commands.route,
            "see_parted": self._commands.see_parted,
            "energise": self._commands.energise,
            "adjust": self._commands.adjust,
            "note": self._note,
        }

    def hear(self, peer: Peer, message: Mapping[str, Any]) -> None:
        ask = Ask(peer, message)
        self._heard(ask)
        try:
            op = ask.text("op")
            if op in self._open_ops:
                self._open_ops[op](ask)
            elif op in self._session_ops:
                self._in_session(ask)
            else:
                ask.refuse("bad_request", f"unknown op {op!r}")
        except Bad as error:
            ask.refuse("bad_request", str(error))

    def gone(self, peer: Peer) -> None:
        if self._opening is not None and self._opening.ask.peer is peer:
            self._opening.refuse("no_session", "the connection ended")
        self._guardian.gone(peer)

    def _heard(self, ask: Ask) -> None:
        """A sign of life of the runner, as old as the guard time that it carries.

        A pet that waited in a buffer is no sign of life of now.
        """
        session = self._guardian.session
        if session is not None and ask.peer is self._guardian.runner:
            self._guardian.session = changed(session, heard_s=max(session.heard_s, ask.sent_s))
        if self._opening is not None and ask.peer is self._opening.ask.peer:
            self._opening.heard_s = max(self._opening.heard_s, ask.sent_s)

    # Anybody

    def _status(self, ask: Ask) -> None:
        guardian = self._guardian
        last = guardian.off.last
        runner = guardian.runner
        live = guardian.active is not None and runner is not None and runner.open
        ask.reply(
            output=guardian.off.output,
            session=describe(guardian.session, live=live),
            highest_token=guardian.fence.highest,
            last_off={"at": to_plain(last.at), "received_at": to_plain(last.received_at)}
            if last is not None
            else None,
            instruments=describe_instruments(guardian.identities),
            simulated=guardian.clock.simulated,
            speed=guardian.clock.speed,
            at=to_plain(guardian.clock.now()),
            supply_is_local=guardian.config.supply_is_local,
            contactor=guardian.contactor.state if guardian.contactor else None,
            locked=guardian.lockout.words,
            alarm=guardian.alarm,
            boot_id=boot_id(),
        )

    def _stop(self, ask: Ask) -> None:
        """Output off at once; a stop of a named run leaves another run alone.

        A `resumable` one is no person's wish: what drives the bench is about to be restarted.
        """
        guardian = self._guardian
        reason = str(ask.message.get("reason") or "stopped at the bench")[:500]
        run = ask.message.get("run")
        session = guardian.session
        if run is not None and session is not None and session.run != run:
            ask.reply(stopped=False, output=guardian.off.output)
            return
        if self._opening is not None:
            self._opening.refuse("refused", f"stopped: {reason}")
        if guardian.active is not None and ask.message.get("resumable") is True:
            guardian.end("safe_hold", reason, resumable=True)
        elif guardian.active is not None:
            guardian.end("stop", reason)
        else:
            guardian.event("stop", {"reason": reason})
        guardian.switch_off(partial(self._stopped, ask))

    def _stopped(self, ask: Ask, proof: OffProof | None) -> None:
        ask.reply(stopped=True, output=self._guardian.off.output, off=to_plain(proof))

    def _unlock(self, ask: Ask) -> None:
        """A person has looked at the supply; the next proof of off counts again."""
        guardian = self._guardian
        by, words = ask.text("by").strip(), guardian.lockout.words
        if not by:
            raise Bad("by is blank; say who has looked at the supply")
        try:
            guardian.off.unlock()
        except OSError as error:
            ask.refuse("refused", f"the bench stays locked: {error}")
            return
        guardian.event(
            "unlocked", {"by": by, "words": words}, then=partial(written, ask, words=words)
        )

    # The uplink

    def _lease(self, ask: Ask) -> None:
        valid_s = ask.message.get("valid_s")
        problem = valid_problem(valid_s)
        if problem:
            raise Bad(problem)
        session = self._session(ask)
        if session is not None:
            assert isinstance(valid_s, int | float)  # noqa: S101  no problem with it
            # From when it was given: one that waited in a buffer has aged there.
            self._guardian.session = changed(session, lease_until_s=ask.sent_s + valid_s)
            ask.reply()

    def _act(self, ask: Ask) -> None:
        """A person's act, journalled once whoever repeats it, then pushed to the runner."""
        guardian = self._guardian
        act, kind, data = ask.text("act"), ask.text("kind"), ask.mapping("data")
        session = guardian.active
        if session is None or session.run != ask.text("run"):
            ask.refuse("no_session", "that run has no session here")
        elif act in session.acts:
            ask.reply(duplicate=True)
        elif session.ending is not None:  # its runner hears no more: the next attempt's may
            ask.refuse("no_session", f"the session has ended: {session.ending.reason}")
        else:
            ago_s = ask.message.get("ago_s", 0.0)
            if not (isinstance(ago_s, int | float) and ago_s >= 0):
                raise Bad(f"ago_s is {ago_s!r}; it must be seconds since the act")
            # Whoever acts is there, since then: one that waited for a line is no sign of now.
            present_s = max(session.present_s, ask.sent_s - ago_s)
            acts = session.acts | {act}
            guardian.session = changed(session, acts=acts, present_s=present_s)
            told = {**data, "id": act, "kind": kind}
            guardian.event("act", told, push=True, then=partial(written, ask))

    # The runner

    def _open(self, ask: Ask) -> None:
        if self._guardian.shutting_down:
            ask.refuse("busy", "this guardian is ending")
        elif self._opening is not None and not self._opening.over:
            ask.refuse("busy", "another session is being opened")
        else:
            self._opening = Opening(self._guardian, ask)
            try:
                self._opening.begin()
            except OSError as error:
                self._opening.refuse("refused", f"the token cannot be kept: {error}")

    def _session(self, ask: Ask) -> Session | None:
        """The session that this token commands, or None after a refusal."""
        guardian = self._guardian
        refusal = token_refusal(guardian.active, guardian.fence.highest, ask.token)
        if refusal is None:
            return guardian.active
        ask.refuse(refusal.code, refusal.words)
        return None

    def _in_session(self, ask: Ask) -> None:
        opening = self._opening
        if ask.op == "pet" and opening and not opening.over and opening.token == ask.token:
            ask.reply()
            return
        session = self._session(ask)
        if session is not None:
            self._session_ops[str(ask.op)](ask, session)

    def _off(self, ask: Ask) -> None:
        """Off and proven; also for the runner whose session the guardian has just closed."""
        guardian = self._guardian
        closed = guardian.closing.last
        if closed is None or closed.token != ask.token or guardian.session is not None:
            if self._session(ask) is None:
                return
        elif closed.token < guardian.fence.highest:
            ask.refuse("stale_token", "another session was opened since: stop")
            return
        guardian.switch_off(partial(self._switched_off, ask))

    def _switched_off(self, ask: Ask, proof: OffProof | None) -> None:
        if proof is None:
            ask.refuse("not_off", self._guardian.off.alarm)
            return
        self._guardian.event(
            "off", {"off": proof}, then=lambda answer: ask.reply(off=to_plain(proof))
        )

    def _close(self, ask: Ask) -> None:
        """Close record with the runner's outcome; the same answer again to who asks again."""
        guardian = self._guardian
        outcome = ask.mapping("outcome")
        closed = guardian.closing.last
        if guardian.session is None and closed is not None and closed.token == ask.token:
            ask.reply(**closed.result)
        elif guardian.session is not None and guardian.session.token == ask.token:
            guardian.closing.begin(
                {
                    "kind": str(outcome.get("kind", "ERROR")),
                    "reason": str(outcome.get("reason", "")),
                },
                ask,
            )
        else:
            self._session(ask)

    def _note(self, ask: Ask, session: Session) -> None:
        kind = ask.text("kind")
        if kind in OWN_KINDS:
            raise Bad(f"{kind} is the guardian's own kind of event")
        self._guardian.event(kind, ask.mapping("data"), then=partial(written, ask))
