"""One instrument, one thread, one short queue: nobody waits for another's slow instrument.

The guardian's loop puts work in and gets answers back through its inbox; the loop itself never
waits for an instrument.  In a lane one piece of work runs at a time, so there is one command in
flight per instrument, and OFF goes before everything that is still waiting.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from stations.clock import guard_s

D = TypeVar("D")

OFF, CONTROL, READ, LEAVE = range(4)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a piece of work gave: a value or an error, and when it began and ended."""

    value: Any
    error: Exception | None
    began_s: float
    ended_s: float


Done = Callable[[Answer], None]
Post = Callable[[Callable[[], None]], None]


class Urgent(threading.Event):
    """Set while an OFF waits for the work at hand; who does that work should not repeat any."""


class Lane(Generic[D]):
    """The thread of one device.  `device` opens it at the first work, and again after failing.

    `urgent` says to the device that OFF is waiting.
    `post` hands an answer to the guardian's loop; it may be called from any thread.
    """

    def __init__(
        self, name: str, device: Callable[[], D], post: Post, *, urgent: Urgent | None = None
    ) -> None:
        self.name = name
        self.waiting = 0  # pieces of work without an answer; the loop's own count
        self._urgent = urgent or Urgent()
        self._open = device
        self._device: D | None = None
        self._post = post
        self._order = itertools.count()
        # Both ends of a heap are one step of the interpreter, for no two orders compare as equal; a
        # PriorityQueue would take its locks several times more for each piece of work.
        self._work: list[tuple[int, int, Callable[[D], Any] | None, Done]] = []
        self._there: SimpleQueue[None] = SimpleQueue()  # one for each piece of work
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, priority: int, work: Callable[[D], Any], done: Done) -> None:
        """Do `work` with the device in this lane's thread, then `done` in the loop."""
        self.waiting += 1
        if priority == OFF:
            self._urgent.set()
        self._put(priority, work, done)

    def leave(self, close: Callable[[D], None], timeout_s: float) -> None:
        """End the thread after the work at hand, closing the device."""
        self._put(LEAVE, None, lambda answer: None)
        self._thread.join(timeout_s)
        if self._device is not None and not self._thread.is_alive():
            close(self._device)

    def _put(self, priority: int, work: Callable[[D], Any] | None, done: Done) -> None:
        heappush(self._work, (priority, next(self._order), work, done))
        self._there.put(None)

    def _serve(self) -> None:
        while True:
            self._there.get()
            priority, _, work, done = heappop(self._work)
            if work is None:
                return
            if priority == OFF:
                self._urgent.clear()
            self._deliver(done, self._attempt(work))

    def _attempt(self, work: Callable[[D], Any]) -> Answer:
        began_s = guard_s()
        try:
            if self._device is None:
                self._device = self._open()
            value = work(self._device)
        except Exception as error:  # whatever a driver raises is an answer; the loop judges it
            return Answer(None, error, began_s, guard_s())
        return Answer(value, None, began_s, guard_s())

    def _deliver(self, done: Done, answer: Answer) -> None:
        def receive() -> None:
            self.waiting -= 1
            done(answer)

        self._post(receive)
