"""Notice that the terminal was closed.

The kernel tells only the leader of the terminal's session, which may be a `make` that waits
for us in silence; so we ask about the terminal itself.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager

_STANDARD = (0, 1, 2)


@contextmanager
def hangups() -> Iterator[int | None]:
    """A descriptor that becomes readable once a terminal of ours has gone; None without one.

    What a person types does not count: the terminal is asked for nothing but its end.
    """
    terminals = [number for number in _STANDARD if os.isatty(number)]
    if not terminals:
        yield None
        return
    with select.epoll() as watched:
        for number in terminals:
            watched.register(number, 0)  # hang-ups and errors are always told
        yield watched.fileno()
