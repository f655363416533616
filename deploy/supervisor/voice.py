"""Log lines of many programs, each with the name of who spoke."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_RESET = "\x1b[0m"


class Voice:
    """Writes `name | line`; a terminal that was closed is no reason to stop working."""

    def __init__(self, width: int = 8, stream: TextIO | None = None) -> None:
        self._width = width
        self._stream = stream or sys.stdout
        self._colourful = self._stream.isatty()
        self._known: dict[str, int] = {}

    def say(self, name: str, line: str) -> None:
        label = name.ljust(self._width)
        if self._colourful:
            colour = _COLOURS[self._known.setdefault(name, len(self._known)) % len(_COLOURS)]
            label = f"\x1b[{colour}m{label}{_RESET}"
        try:
            self._stream.write(f"{label} | {line}\n")
            self._stream.flush()
        except OSError:
            _mute()


def _mute() -> None:
    """The terminal is gone: whatever is still said or buffered goes nowhere, without an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
