"""A journal that the disk will not let close: tried again, and said, until it is closed."""

from __future__ import annotations

import math
from collections.abc import Callable

from stations.clock import guard_s

AGAIN_S = 2.0


class Retry:
    """Lives in the guardian's loop.  `alarm` is "" while nothing is left to do."""

    def __init__(self) -> None:
        self.alarm = ""
        self._act: Callable[[], None] | None = None
        self._next_s = math.inf

    def later(self, words: str, act: Callable[[], None]) -> None:
        """`act` again in a while; it ends in `later` or in `done`."""
        self.alarm, self._act, self._next_s = words, act, guard_s() + AGAIN_S

    def done(self) -> None:
        self.alarm, self._act, self._next_s = "", None, math.inf

    def due_s(self) -> float:
        return self._next_s

    def tick(self, now_s: float) -> None:
        if self._act is not None and now_s >= self._next_s:
            self._next_s = math.inf
            self._act()
