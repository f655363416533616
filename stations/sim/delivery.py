"""How a reply leaves an instrument: logged as it should be, then put on the wire as it is."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from contextlib import suppress

from stations.clock import guard_s
from stations.sim.faults import Switchboard, whole
from stations.sim.world import World

Write = Callable[[bytes], None]


class Delivery:
    """The way out of one instrument; what is late waits here and holds nobody up."""

    def __init__(self, instrument: str, *, world: World, faults: Switchboard) -> None:
        self._instrument = instrument
        self._world = world
        self._faults = faults
        self._replies = 0
        self._last = b""
        self._late: list[tuple[float, int, bytes, Write]] = []
        self._order = itertools.count()
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
        for after_s, piece in pieces:
            if after_s == 0:
                write(piece)
            else:
                self._send_later(after_s, piece, write)

    def _note(self, kind: str, **fields: object) -> None:
        self._world.note(kind, instrument=self._instrument, **fields)

    def _send_later(self, after_s: float, piece: bytes, write: Write) -> None:
        with self._changed:
            heapq.heappush(self._late, (guard_s() + after_s, next(self._order), piece, write))
            self._changed.notify()

    def _send_late(self) -> None:
        with self._changed:
            while not self._ended:
                left_s = self._late[0][0] - guard_s() if self._late else None
                if left_s is None or left_s > 0:
                    self._changed.wait(left_s)
                    continue
                _, _, piece, write = heapq.heappop(self._late)
                with suppress(OSError):  # the client has left meanwhile
                    write(piece)
