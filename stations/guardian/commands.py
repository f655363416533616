"""A runner's commands to supply and load: inside the envelope, one at a time, seen obeyed.

A command that was sent and not seen obeyed leaves doubt, and doubt is off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from stations.clock import guard_s
from stations.drivers.protocols import OutOfRange
from stations.guardian.core import Guardian
from stations.guardian.lane import CONTROL, Answer, Lane
from stations.guardian.peer import Ask
from stations.guardian.session import (
    OVP_MARGIN_V,
    Session,
    absent,
    draw_problem,
    energise_problem,
    protection_problem,
    setpoint_problem,
)
from stations.guardian.switched import Overtaken, ReadBackDiffers, TooSoon
from stations.plain import to_plain
from stations.values import Draw, Protection, Setpoint

_NOTHING_SENT = (OutOfRange, Overtaken, TooSoon)
_IN_DOUBT = ("route", "see_parted")  # after these the bench is in doubt though nothing is set up
BANK_MIN_V = 1.0  # below, terminals that are tied to the bank look like those that are not
First = Callable[[Callable[[Answer], None]], None]
"""What must have answered without an error before a command is sent."""
Done = Callable[[Session], tuple[Session, str, Mapping[str, Any]]]
"""The session after a command that was obeyed, and the event to journal: kind and data."""


def written(ask: Ask, answer: Answer, **told: Any) -> None:
    """Reply once the journal has what was asked."""
    if answer.error is None:
        ask.reply(**told)
    else:
        ask.refuse("refused", f"the journal cannot be written: {answer.error}")


class Commands:
    """configure, configure_load, route, see_parted, energise, adjust."""

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian

    def configure(self, ask: Ask, session: Session) -> None:
        setpoint, protection = ask.value("setpoint", Setpoint), ask.value("protection", Protection)
        problem = setpoint_problem(session.limits, setpoint) or protection_problem(
            session.limits, setpoint, protection
        )
        if session.expected_on or self._guardian.off.output != "off":
            ask.refuse("not_off", "the output must be proven off before it is set up")
        elif problem:
            ask.refuse("refused", problem)
        else:
            told = {"setpoint": setpoint, "protection": protection}
            self._command(
                ask,
                session,
                lambda hand: hand.configure(setpoint, protection),
                lambda now: (replace(now, configured=setpoint), "configured", told),
            )

    def configure_load(self, ask: Ask, session: Session) -> None:
        draw, load = ask.value("draw", Draw), self._guardian.load
        problem = draw_problem(session.limits, draw)
        if load is None:
            ask.refuse("refused", "this bench has no load")
        elif session.expected_on or self._guardian.off.output != "off":
            ask.refuse("not_off", "every output must be proven off before a load is set up")
        elif problem:
            ask.refuse("refused", problem)
        else:
            self._command(
                ask,
                session,
                lambda hand: hand.configure(draw),
                lambda now: (replace(now, configured=draw), "configured", {"draw": draw}),
                lane=load,
            )

    def route(self, ask: Ask, session: Session) -> None:
        """Leads and meter on one cell, or on none (0): only with every output proven off."""
        cell, router = ask.value("cell", int), self._guardian.router
        if router is None:
            ask.refuse("refused", "this bench has no router")
        elif session.expected_on or self._guardian.off.output != "off":
            ask.refuse("not_off", "every output must be proven off before the leads are moved")
        elif not 0 <= cell <= min(router.cells, session.cells or router.cells):
            ask.refuse("refused", f"there is no route to cell {cell} on this bench")
        else:
            wanted = partial(self._wanted, session.token)

            def done(now: Session) -> tuple[Session, str, Mapping[str, Any]]:
                router.routed()
                return replace(now, routed=cell, configured=None), "routed", {"cell": cell}

            self._command(
                ask, session, lambda hand: hand.route(cell, wanted), done, lane=router.lane
            )

    def see_parted(self, ask: Ask, session: Session) -> None:
        """That a contactor parts what is driven next from the cells, before a wait alone."""
        wanted, contactor = partial(self._wanted, session.token), self._guardian.contactor
        if contactor is None:
            ask.reply()
        elif session.expected_on or self._guardian.off.output != "off":
            ask.refuse("not_off", "every output must be proven off before the contactor is seen")
        else:
            self._guardian.watch.drop()
            self._command(
                ask,
                session,
                lambda hand: hand.see_open(),
                lambda now: (now, "seen_parted", {}),
                first=self._to_see_parted(session, wanted),
                lane=contactor.lane,
            )

    def _to_see_parted(self, session: Session, wanted: Callable[[], bool]) -> tuple[First, ...]:
        """The contactor's relay read open, then the bank metered, then what must not show it."""
        guardian, bank_v = self._guardian, list[float]()
        contactor, load = guardian.contactor, guardian.load
        if contactor is None:
            return ()

        def meter(done: Callable[[Answer], None]) -> None:
            def metered(answer: Answer) -> None:
                volts = math.nan if answer.error else answer.value.volts[0]
                if answer.error is None and not volts >= BANK_MIN_V:
                    words = (
                        f"the bank meter shows {volts:.2f} V, by which no contactor is seen open"
                    )
                    answer = replace(answer, error=ReadBackDiffers(words))
                bank_v.append(volts)
                done(answer)

            guardian.lanes["meter"].submit(CONTROL, lambda device: device.measure(), metered)

        def look(done: Callable[[Answer], None]) -> None:
            if session.drives == "load" and load is not None:
                load.submit(CONTROL, lambda hand: hand.see_parted(bank_v[0]), done)
                return
            ovp_v = session.limits.bank_voltage_max_v + OVP_MARGIN_V
            guardian.supply.submit(
                CONTROL, lambda hand: hand.see_parted(bank_v[0], ovp_v, wanted), done
            )

        return (contactor.see_open, meter, look)

    def energise(self, ask: Ask, session: Session) -> None:
        refusal = energise_problem(session)
        if refusal is not None:
            ask.refuse(refusal.code, refusal.words)
            return
        guardian = self._guardian
        nobody = absent(session, guard_s())
        if nobody:
            guardian.end("safe_hold", nobody, resumable=True)
            ask.refuse("refused", nobody)
            return
        contactor, configured = guardian.contactor, session.configured
        guardian.watch.drop()
        wanted = partial(self._wanted, session.token)
        key = "draw" if session.drives == "load" else "setpoint"
        self._command(
            ask,
            session,
            lambda hand: hand.energise(wanted, contactor=contactor is not None),
            lambda now: (now.on(guard_s()), "on", {key: configured}),
            first=self._before_on(session, wanted),
            lane=guardian.load if session.drives == "load" else None,
        )

    def _before_on(self, session: Session, wanted: Callable[[], bool]) -> tuple[First, ...]:
        """Supply and load are never on together: the other one is seen off, at the last moment.

        Through the closed contactor, for behind an open one nothing could flow anyway; and where
        there is a router, with the leads seen where they were put, and nowhere else.
        """
        guardian, first, role = self._guardian, list[First](), session.drives
        router, cell = guardian.router, session.routed
        if router is not None:
            first.append(partial(router.lane.submit, CONTROL, lambda hand: hand.look(cell)))
        if guardian.contactor is not None:
            first += self._to_see_parted(session, wanted)
            first.append(partial(guardian.contactor.pull_in, wanted))
        other: Lane[Any] | None = guardian.supply if role == "load" else guardian.load
        if other is not None:
            first.append(partial(other.submit, CONTROL, lambda hand: hand.look()))
        return tuple(first)

    def adjust(self, ask: Ask, session: Session) -> None:
        setpoint = ask.value("setpoint", Setpoint)
        problem = setpoint_problem(session.limits, setpoint)
        if not session.expected_on:
            ask.refuse("refused", "the output is off: configure and energise instead")
        elif session.drives == "load":
            ask.refuse("refused", "a load that draws is not adjusted: switch it off first")
        elif problem:
            ask.refuse("refused", problem)
        else:
            wanted = partial(self._wanted, session.token)
            self._command(
                ask,
                session,
                lambda hand: hand.adjust(setpoint, wanted),
                lambda now: (now, "set", {"setpoint": setpoint}),
            )

    def _wanted(self, token: int) -> bool:
        """Asked in the supply's lane at the last moment before a command."""
        session = self._guardian.active
        ended = session is None or session.ending is not None or session.token != token
        return not (ended or self._guardian.off.wanted)

    def _command(
        self,
        ask: Ask,
        session: Session,
        work: Callable[[Any], Any],
        done: Done,
        *,
        first: tuple[First, ...] = (),
        lane: Lane[Any] | None = None,
    ) -> None:
        """One command at a time, to the supply or to `lane`, once each of `first` has answered
        without an error."""
        guardian = self._guardian
        if guardian.commanding or guardian.off.wanted:
            ask.refuse("busy", "another command is under way")
            return
        if session.ending is not None:
            ask.refuse("refused", f"the session has ended: {session.ending.reason}")
            return
        guardian.commanding = True
        commanded = partial(self._commanded, ask, session.token, done)

        def go_on(left: tuple[First, ...], answer: Answer | None = None) -> None:
            if answer is not None and answer.error is not None:
                commanded(answer)
            elif left:
                left[0](partial(go_on, left[1:]))
            else:
                (lane or guardian.supply).submit(CONTROL, work, commanded)

        go_on(first)

    def _commanded(self, ask: Ask, token: int, done: Done, answer: Answer) -> None:
        guardian = self._guardian
        guardian.commanding = False
        if ask.op == "energise" and not isinstance(answer.error, _NOTHING_SENT):
            guardian.off.shaken()
        if answer.error is not None:
            self._failed(ask, answer.error)
            return
        session = guardian.active
        if session is None or not self._wanted(token):
            guardian.switch_off()
            ask.refuse("refused", "the output was asked to be off meanwhile")
            return
        guardian.session, kind, data = done(session)
        if kind == "on":
            guardian.off.went_on()
        at = guardian.clock.now()
        guardian.event(kind, data, at=at, then=partial(written, ask, at=to_plain(at)))

    def _failed(self, ask: Ask, error: Exception) -> None:
        """A command that was sent and not seen obeyed leaves doubt: off."""
        guardian = self._guardian
        if not isinstance(error, _NOTHING_SENT):
            session = guardian.active
            if session is not None and (session.configured is not None or ask.op in _IN_DOUBT):
                guardian.end("safe_hold", f"{ask.op}: {error}")
            else:
                guardian.switch_off()
        elif ask.op == "energise" and guardian.contactor is not None:
            guardian.contactor.drop_out()  # it may have pulled in for an output that stayed off
        ask.refuse("refused", str(error))
