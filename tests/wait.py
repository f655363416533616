"""The one way tests wait: on a condition, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], *, within_s: float = 10.0, period_s: float = 0.02, what: str = ""
) -> T:
    """The first truthy value of `condition`.

    Raises AssertionError naming `what` (or the condition) when `within_s` of wall time passed.
    """
    pause = threading.Event()
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            name = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"{name} did not hold within {within_s} s; last: {value!r}")
        pause.wait(period_s)
