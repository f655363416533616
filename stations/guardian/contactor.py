"""The contactor in the supply's plus lead: held for a time only, and held again while all is well.

A relay board drives it and opens it by itself: when guardian, host or bus are dead nobody holds
it any more.  It pulls in before the output goes on and drops out when that is off, so it parts
current only where the supply does not obey.

What reads back is the relay.  That the contacts follow it is seen before every ON, by whom they
must part from the bank (`Commands.see_parted`): one that has welded is found while all is off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from stations.clock import guard_s
from stations.drivers.protocols import InstrumentError, Refused, Relays
from stations.guardian.lane import CONTROL, OFF, Answer, Done, Lane
from stations.guardian.switched import Overtaken, ReadBackDiffers
from stations.values import Identity

PULL_IN_S = 0.1  # a contactor of this size needs some 50 ms
PROOF_S = 1.0  # for how long the proof of the timer holds it
AGAIN_S = 0.7  # when that proof holds it again
MARGIN_S = 0.2
MISSES_MAX = 2  # times in a row that the board may leave unanswered
TRIES_TOLD = 3  # failed tries to open it before the alarm

Wanted = Callable[[], bool]
"""Asked in the relay board's lane at the last moment before a command."""


class ContactorHand:
    """The acts on the contactor's relay; called by one thread only."""

    def __init__(self, relays: Relays, channel: int, hold_s: float) -> None:
        self._relays = relays
        self._channel = channel
        self._hold_s = hold_s

    def identify(self) -> Identity:
        return self._relays.identify()

    def prepare(self) -> None:
        """See the timer at work, with the output off; raises Refused where it does not."""
        self._relays.prepare()
        if self._is_closed():
            raise Refused(f"relay {self._channel}, the contactor's, is closed with the output off")
        self._relays.hold(self._channel, PROOF_S)
        began_s = guard_s()
        if not self._is_closed() and guard_s() < began_s + PROOF_S - MARGIN_S:
            raise Refused(f"relay {self._channel}, the contactor's, does not close")
        _wait_until(began_s + AGAIN_S)
        again_s = guard_s()
        self._relays.hold(self._channel, PROOF_S)
        over_s = guard_s() + PROOF_S + MARGIN_S
        _wait_until(began_s + PROOF_S + MARGIN_S)
        # On a host too slow to look in between nothing is shown, and nothing refused.
        if not self._is_closed() and guard_s() < again_s + PROOF_S - MARGIN_S:
            raise Refused("the relay board does not begin its time anew: it cannot be held")
        _wait_until(over_s)
        if self._is_closed():
            self.drop_out()
            raise Refused("the relay board does not open by itself: it is no watchdog")

    def see_open(self) -> None:
        """Its relay reads open; what its contacts do is told by what lies behind them."""
        if self._is_closed():
            raise ReadBackDiffers("the contactor was told to open and reads back closed")

    def pull_in(self, wanted: Wanted) -> None:
        self._hold(wanted)
        if not self._is_closed():
            raise ReadBackDiffers("the contactor was told to close and reads back open")
        threading.Event().wait(PULL_IN_S)

    def hold(self, wanted: Wanted) -> None:
        """Let the time begin anew of a contactor that is closed; one that fell open stays so."""
        if wanted() and not self._is_closed():
            raise ReadBackDiffers("the contactor has opened by itself")
        self._hold(wanted)

    def drop_out(self) -> None:
        try:
            self._relays.release(self._channel)
        except InstrumentError:
            self._relays.reopen()
            self._relays.release(self._channel)
        self.see_open()

    def close(self) -> None:
        """Drop out, as far as the link still allows, and let the port go."""
        self._relays.close()

    def _hold(self, wanted: Wanted) -> None:
        if not wanted():
            raise Overtaken("the output was asked to be off meanwhile")
        self._relays.hold(self._channel, self._hold_s)

    def _is_closed(self) -> bool:
        return self._channel in self._relays.read().closed


def _wait_until(moment_s: float) -> None:
    threading.Event().wait(max(0.0, moment_s - guard_s()))


class Contactor:
    """Lives in the guardian's loop.  `state` is "open" or "closed" by read-back, else "unknown".

    `changed` is told when the alarm's words change.
    """

    def __init__(
        self,
        lane: Lane[ContactorHand],
        *,
        rearm_s: float,
        retry_s: float,
        changed: Callable[[str], None],
    ) -> None:
        self.state = "unknown"
        self.alarm = ""
        self.dropping = False  # told to open, and not seen open yet
        self.lane = lane
        self._rearm_s = rearm_s
        self._retry_s = retry_s
        self._changed = changed
        self._pull: tuple[Wanted, Done] | None = None  # waits until it has dropped out
        self._held_s = -1e9  # guard time at which it was last held
        self._holding = False
        self._misses = 0
        self._flying = False
        self._tries = 0
        self._next_s = 0.0

    def pull_in(self, wanted: Wanted, done: Done) -> None:
        """Close it before the output goes on; one on its way out is seen open first."""
        if self.dropping:
            self._pull = (wanted, done)
            return
        self._misses = 0

        def pulled(answer: Answer) -> None:
            self._noted(answer)
            done(answer)

        self.lane.submit(CONTROL, lambda hand: hand.pull_in(wanted), pulled)

    def see_open(self, done: Done) -> None:
        """Its relay read once more, behind whatever it was told before."""
        self.lane.submit(CONTROL, lambda hand: hand.see_open(), done)

    def hold(self, wanted: Wanted, failed: Callable[[str], None]) -> None:
        """At a good sample: let its time begin anew, where enough of it has gone by."""
        if self._holding or guard_s() - self._held_s < self._rearm_s:
            return
        self._holding = True

        def held(answer: Answer) -> None:
            self._holding = False
            self._noted(answer)
            fell_open = isinstance(answer.error, ReadBackDiffers)
            if fell_open or self._misses >= MISSES_MAX:
                failed(str(answer.error))

        self.lane.submit(CONTROL, lambda hand: hand.hold(wanted), held)

    def drop_out(self) -> None:
        """Open it, until it reads back open."""
        if not self.dropping:
            self.dropping, self._tries = True, 0
        if not self._flying:
            self._try()

    def due_s(self) -> float:
        return self._next_s if self.dropping and not self._flying else float("inf")

    def tick(self, now_s: float) -> None:
        if now_s >= self.due_s():
            self._try()

    def _noted(self, answer: Answer) -> None:
        if answer.error is None:
            self.state, self._held_s, self._misses = "closed", answer.began_s, 0
        elif not isinstance(answer.error, Overtaken):
            self.state = "unknown"
            self._misses += 1

    def _try(self) -> None:
        self._flying = True
        self.lane.submit(OFF, lambda hand: hand.drop_out(), self._tried)

    def _tried(self, answer: Answer) -> None:
        self._flying = False
        pull, self._pull = self._pull, None
        if answer.error is None:
            self.state, self.dropping = "open", False
            self._say("")
            if pull is not None:
                self.pull_in(*pull)
            return
        self.state = "unknown"
        self._tries += 1
        self._next_s = guard_s() + self._retry_s
        if self._tries >= TRIES_TOLD:
            self._say(f"the contactor is not proven open: {answer.error}")
        if pull is not None:
            pull[1](answer)

    def _say(self, words: str) -> None:
        if bool(words) != bool(self.alarm):
            self._changed(words or "the contactor is open")
        self.alarm = words
