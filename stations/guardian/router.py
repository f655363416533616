"""The router: relays that put leads and meter on one cell of the table, or on none.

Each relay drives the coil of the contactors in the leads of one cell.  Break before make: every
route is told to open and seen open before one closes, and only while the output is proven off.
A route is held for a time only, far longer than supply or contactor take to be off, so that it
falls open without current when guardian, host or bus are dead.

What reads back is the relay.  Contacts behind it that have welded read open: the program sees by
the bank meter that a cell is still on its leads (`procedures/measuring`) and goes no further.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stations.clock import guard_s
from stations.drivers.protocols import InstrumentError, Relays
from stations.guardian.contactor import MISSES_MAX, Wanted
from stations.guardian.lane import CONTROL, Answer, Lane
from stations.guardian.switched import Overtaken, ReadBackDiffers
from stations.values import Identity

HOLD_S = 60.0  # F4: an output is off within 10 s whoever died; a route outlasts that
AGAIN_S = 10.0  # a route is held again at a good sample, but not sooner than this


class RouterHand:
    """The acts on the routes' relays; called by one thread only."""

    def __init__(self, relays: Relays, channels: tuple[int, ...]) -> None:
        """`channels` has the relay of cell 1, of cell 2, and so on."""
        self._relays = relays
        self._channels = channels

    def identify(self) -> Identity:
        return replace(self._relays.identify(), role="router")  # as bench.toml calls this board

    def prepare(self) -> None:
        """Every route open and seen open, with the output off."""
        self._relays.prepare()
        self.part()

    def route(self, cell: int, wanted: Wanted) -> None:
        """Leads on `cell` alone, seen; 0: on none.  In doubt every route is told to open."""
        self.part()
        if not cell:
            return
        self._hold(cell, wanted)
        try:
            self.look(cell)
        except (InstrumentError, ReadBackDiffers):
            self.part()
            raise

    def look(self, cell: int) -> None:
        """See the route of `cell` closed and no other; raises ReadBackDiffers."""
        found, expected = self._closed(), frozenset({cell} if cell else ())
        if found != expected:
            raise ReadBackDiffers(
                f"the router was told {_words(expected)} and reads back {_words(found)}"
            )

    def hold(self, cell: int, wanted: Wanted) -> None:
        """Let the time of a route that is closed begin anew; one that fell open stays so."""
        self.look(cell)
        self._hold(cell, wanted)

    def part(self) -> None:
        """Open every route, and see it."""
        try:
            self._release()
        except InstrumentError:
            self._relays.reopen()
            self._release()
        left = self._closed()
        if left:
            raise ReadBackDiffers(f"the router was told to open and reads back {_words(left)}")

    def close(self) -> None:
        """Open what we closed, as far as the link still allows, and let the port go."""
        self._relays.close()

    def _release(self) -> None:
        for cell in sorted(self._closed()):
            self._relays.release(self._channels[cell - 1])

    def _hold(self, cell: int, wanted: Wanted) -> None:
        if not wanted():
            raise Overtaken("the output was asked to be off meanwhile")
        self._relays.hold(self._channels[cell - 1], HOLD_S)

    def _closed(self) -> frozenset[int]:
        closed = self._relays.read().closed
        return frozenset(c for c, channel in enumerate(self._channels, 1) if channel in closed)


def _words(cells: frozenset[int]) -> str:
    if not cells:
        return "every route open"
    return "the route of cell " + " and ".join(str(cell) for cell in sorted(cells))


def _lapsed(unheld_s: float, doubt: str) -> str:
    """Why a route may have fallen open by itself, or ""."""
    if not (doubt and unheld_s > HOLD_S):
        return ""
    return (
        f"; it falls open after {HOLD_S:.0f} s without a reading that is free of doubt ({doubt}), "
        f"and was last held {unheld_s:.0f} s ago"
    )


class Router:
    """Lives in the guardian's loop: holds the route of the session that asked for it."""

    def __init__(self, lane: Lane[RouterHand], cells: int) -> None:
        self.lane = lane
        self.cells = cells  # that there are routes to, from 1
        self._held_s = -1e9  # guard time at which it was last held
        self._holding = False
        self._misses = 0

    def routed(self) -> None:
        """A route was just closed, or all opened: its time began."""
        self._held_s, self._misses = guard_s(), 0

    def hold(self, cell: int, wanted: Wanted, failed: Callable[[str], None], doubt: str) -> None:
        """At a good sample: let the route's time begin anew, where enough of it has gone by.

        `doubt` is what the last sample that was not good said.
        """
        unheld_s = guard_s() - self._held_s
        if self._holding or unheld_s < AGAIN_S:
            return
        self._holding = True

        def held(answer: Answer) -> None:
            self._holding = False
            if answer.error is None:
                self._held_s, self._misses = answer.began_s, 0
            elif not isinstance(answer.error, Overtaken):
                self._misses += 1
                if isinstance(answer.error, ReadBackDiffers) or self._misses >= MISSES_MAX:
                    failed(f"{answer.error}{_lapsed(unheld_s, doubt)}")

        self.lane.submit(CONTROL, lambda hand: hand.hold(cell, wanted), held)
