"""How a reply leaves an instrument: logged as it should be, then put on the wire as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from stations.clock import guard_s
from stations.sim.faults import Switchboard, whole
from stations.sim.world import World

Write = Callable[[bytes], None]


class _Late(NamedTuple):
    due_s: float  # guard time
    piece: bytes
    write: Write
    rest: bool  # of a reply that has begun


class Delivery:
    """The way out of one instrument; what is late waits here.

    On one wire everything leaves in the order in which it was asked for: an instrument that is
    late with an answer is late with what stands behind it.  One that is slow to get an answer
    out breaks it off for the next.
    """

    def __init__(self, instrument: str, *, world: World, faults: Switchboard) -> None:
        self._instrument = instrument
        self._world = world
        self._faults = faults
        self._replies = 0
        self._last = b""
        self._late: list[_Late] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(
            target=self._send_late, name=f"{instrument}, late", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """What is still late is never sent."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def send(self, reply: bytes, write: Write, *, measured: str) -> None:
        """Put `reply` on the wire; `measured` is its text where it carries a measurement."""
        fault = self._faults.of(self._instrument)
        if fault.mutes:
            return
        if measured:
            # Before it leaves: whatever a client took is in the log, even if we are killed.
            self._replies += 1
            self._note("reply", n=self._replies, raw=measured)
        pieces, self._last = fault.spoils(reply, self._last), reply
        if pieces != whole(reply, b""):
            self._note("spoilt", sent=[[after_s, piece.hex()] for after_s, piece in pieces])
        now_s = guard_s()
        with self._changed:
            self._late = [late for late in self._late if late.write != write or not late.rest]
        for place, (after_s, piece) in enumerate(pieces):
            self._put(_Late(now_s + after_s, piece, write, rest=place > 0))

    def _note(self, kind: str, **fields: object) -> None:
        self._world.note(kind, instrument=self._instrument, **fields)

    def _put(self, late: _Late) -> None:
        """Write what is due and has nothing before it on its wire; the rest waits its turn."""
        with self._changed:
            before_s = [other.due_s for other in self._late if other.write == late.write]
            if before_s or late.due_s > guard_s():
                self._late.append(late._replace(due_s=max(late.due_s, *before_s, 0.0)))
                self._changed.notify()
                return
        late.write(late.piece)

    def _send_late(self) -> None:
        with self._changed:
            while not self._ended:
                late = min(self._late, key=lambda late: late.due_s, default=None)
                if late is None:
                    self._changed.wait()
                elif (left_s := late.due_s - guard_s()) > 0:
                    self._changed.wait(left_s)
                else:
                    self._late.remove(late)
                    with suppress(OSError):  # the client has left meanwhile
                        late.write(late.piece)
