"""The one who wants the output off: sends OFF until it is proven, and never gives up.

Lives in the guardian's loop; the tries themselves run in the supply's lane before anything
else that waits there.  What the guardian says of the output comes from here.

Where there is a load, off is both: each of the two is sent OFF and proves it, whichever of them
was on.  Where there is a contactor it drops out last: once they have proven themselves off, or as
soon as that takes too long.  What one that disobeyed says after that proves nothing, so the bench
is locked until a person has looked at it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import cast

from stations.clock import guard_s
from stations.guardian.contactor import Contactor
from stations.guardian.lane import OFF, Answer, Lane
from stations.guardian.load import LoadHand
from stations.guardian.lockout import Lockout
from stations.guardian.supply import SupplyHand
from stations.guardian.switched import NotOff
from stations.values import OffProof

Then = Callable[[OffProof | None], None]

TRIES_TOLD = 3  # after so many tries whoever waits is told that there is no proof yet
TRIES_GENTLE = 2  # after so many tries voltage and current are taken to zero as well
OBEYS_S = 1.0  # a supply behind a contactor may take so long to obey before it has disobeyed
CUT_AFTER_S = 4.0  # a contactor waits no longer than this, not even for a supply that hangs


def locked_by(role: str) -> str:
    return (
        f"the {role} did not obey OFF, only the contactor stops its current: look at the {role}, "
        "then unlock the bench"
    )


LOCKED = locked_by("supply")


class OffKeeper:
    """Output state, the last proof, and the tries under way.

    `output` is "off" only after a proof that nothing has shaken since, "on" when it was seen
    or asked on, else "unknown".  `changed` is told when the alarm's words change.
    """

    def __init__(
        self,
        lane: Lane[SupplyHand],
        retry_s: float,
        changed: Callable[[str], None],
        *,
        lockout: Lockout,
        contactor: Contactor | None = None,
        load: Lane[LoadHand] | None = None,
    ) -> None:
        self.output = "unknown"
        self.alarm = ""
        self.last: OffProof | None = None
        self.wanted = False
        self._lane = lane
        self._load = load
        self._retry_s = retry_s
        self._changed = changed
        self._lockout = lockout
        self._contactor = contactor
        self._tries = 0
        self._since_s = 0.0  # guard time since which it is wanted off, and since then:
        self._defied = ""  # which of them was seen on after an OFF
        self._zeroed = False  # voltage and current were taken to zero
        self._cut = False  # the contactor was told to part what flows
        self._flying = False
        self._heard: list[tuple[str, Answer]] = []  # of the try under way, by role
        self._next_s = 0.0
        self._waiting: list[tuple[Then, bool]] = []

    @property
    def first_try(self) -> bool:
        """The first try is under way: samples would mix before and after."""
        return self.wanted and self._tries == 0

    def demand(self, then: Then | None = None, *, patient: bool = False) -> None:
        """Off, now.  `then` gets the proof; a hasty one gets None after a few failed tries."""
        if then is not None:
            self._waiting.append((then, patient))
        if not self.wanted:
            self.wanted = True
            self._begin()
        if not self._flying:
            self._try()

    def unlock(self) -> None:
        """A person has looked: supply and load are taken at their word again."""
        self._lockout.unlock()
        self._begin()

    def shaken(self) -> None:
        """ON was sent, obeyed or not: what was proven before it counts no more."""
        self.output = "unknown"
        self.last = None

    def went_on(self) -> None:
        """We asked one of them on and saw it on."""
        self.output = "on"
        self.last = None

    def seen(self, output_on: bool, *, expected_on: bool) -> None:
        """A read-back between the tries."""
        if self.wanted:
            return
        if output_on:
            self.output = "on"
            if not expected_on:
                self.demand()
        elif self.output != "off" and not expected_on:
            self.demand()  # off by its own word only: prove it

    def unseen(self, words: str) -> None:
        """One of them did not answer a read: nobody knows what its output does."""
        self.output = "unknown"
        if not self.wanted:
            self._say(words)

    def answered(self) -> None:
        """They answer again and nothing is wanted of them."""
        if not self.wanted:
            self._say("")

    def due_s(self) -> float:
        if not self.wanted:
            return math.inf
        return min(self._cut_due_s(), math.inf if self._flying else self._next_s)

    def tick(self, now_s: float) -> None:
        if self.wanted and now_s >= self._cut_due_s():
            self._part()
        if self.wanted and not self._flying and now_s >= self._next_s:
            self._try()

    def _cut_due_s(self) -> float:
        waits = self._contactor is not None and not self._cut
        return self._since_s + CUT_AFTER_S if waits else math.inf

    def _begin(self) -> None:
        self._since_s, self._tries = guard_s(), 0
        self._defied, self._zeroed, self._cut = "", False, False

    def _try(self) -> None:
        self._flying = True
        may_obey = self._contactor is not None and guard_s() < self._since_s + OBEYS_S
        self._zeroed = zero = self._tries >= TRIES_GENTLE and not may_obey
        self._lane.submit(OFF, lambda hand: hand.off(zero=zero), partial(self._told, "supply"))
        if self._load is not None:
            self._load.submit(OFF, lambda hand: hand.off(zero=zero), partial(self._told, "load"))

    def _told(self, role: str, answer: Answer) -> None:
        """The answer of one of them to the try under way, which is over when all have come."""
        self._heard.append((role, answer))
        if isinstance(answer.error, NotOff) and answer.error.output == "on":
            self._defied = self._defied or role
        if len(self._heard) == 1 + (self._load is not None):
            heard, self._heard = [answer for _, answer in self._heard], []
            self._tried(heard)

    def _tried(self, answers: list[Answer]) -> None:
        self._flying = False
        errors = sorted((a.error for a in answers if a.error is not None), key=_worst_first)
        error = errors[0] if errors else self._worthless()
        if error is None:
            proofs = [cast(OffProof, answer.value) for answer in answers]
            self._proven(max(proofs, key=lambda proof: proof.at))
            return
        self._tries += 1
        self._next_s = guard_s() + self._retry_s
        found = error.output if isinstance(error, NotOff) else "unknown"
        cut = self._contactor is not None and self._contactor.state == "open"
        self.output = "unknown" if cut else found
        self._say(f"the output is not proven off after {self._tries} tries: {error}")
        if self._zeroed:
            self._part()
        if self._tries >= TRIES_TOLD:
            self._tell_hasty()

    def _worthless(self) -> NotOff | None:
        """Why no current through an output that says off proves nothing, or None."""
        if self._contactor is not None and self._defied and (self._zeroed or self._cut):
            self._lock()
        return NotOff(self._lockout.words, "unknown") if self._lockout.words else None

    def _part(self) -> None:
        """One takes too long, or does not obey: the contactor parts what still flows."""
        self._cut = True
        if self._contactor is None:
            return
        if self._contactor.state != "open":
            self._contactor.drop_out()
        if self._defied:
            self._lock()

    def _lock(self) -> None:
        if not self._lockout.words:
            words = locked_by(self._defied)
            self._lockout.lock(words)
            self._changed(words)

    def _proven(self, proof: OffProof) -> None:
        # Ages count from the first proof since the output was last on or in doubt.
        if self.output == "off" and self.last is not None:
            proof = replace(self.last, supply_current_a=proof.supply_current_a)
        self.output, self.last, self.wanted, self._tries = "off", proof, False, 0
        if self._contactor is not None:
            self._contactor.drop_out()
        self._say("")
        told, self._waiting = self._waiting, []
        for then, _ in told:  # in the order in which they asked
            then(proof)

    def _tell_hasty(self) -> None:
        told, self._waiting = self._waiting, [w for w in self._waiting if w[1]]
        for then, patient in told:
            if not patient:
                then(None)

    def _say(self, words: str) -> None:
        if words != self.alarm:
            changed = bool(words) != bool(self.alarm)
            self.alarm = words
            if changed:
                self._changed(words)


def _worst_first(error: Exception) -> bool:
    return not (isinstance(error, NotOff) and error.output == "on")
