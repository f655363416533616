"""The guardian's words, written by a thread of their own: nobody who stops reading stops it.

A terminal that is held, or a supervisor that is stopped, leaves a full pipe behind; a loop that
wrote to it would wait there with the output on.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from contextlib import suppress

LINES_MAX = 1000  # kept for a reader who is slow; what comes after them is dropped
CLOSING_S = 1.0  # how long the end of the process waits for the last words


class UnhurriedHandler(logging.Handler):
    """Hands lines to `descriptor` without ever waiting for it; tells how many it dropped."""

    def __init__(self, descriptor: int, lines_max: int = LINES_MAX) -> None:
        super().__init__()
        self.dropped = 0
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(lines_max)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record))
        except Exception:  # full, or words that do not fit their format: the loop goes on
            self.dropped += 1

    def close(self) -> None:
        """Wait for the last words, but not for a reader who is gone."""
        with suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(CLOSING_S)
        super().close()

    def _write(self) -> None:
        told = 0
        while (line := self._lines.get()) is not None:
            self._put(line)
            if self.dropped > told:
                self._put(f"WARNING {self.dropped - told} lines were dropped: nobody read them")
                told = self.dropped

    def _put(self, line: str) -> None:
        rest = line.encode(errors="backslashreplace") + b"\n"
        with suppress(OSError):  # nobody is there to read it
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
