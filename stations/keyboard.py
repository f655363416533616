"""A person at the bench: what is told them, and the lines that they type."""

from __future__ import annotations

import os
import select
import sys


class NobodyThere(Exception):
    """The keyboard is gone: whoever typed has left, or there was nobody."""


class Keyboard:
    """Lines that are typed at a terminal or come by a pipe, waited for only where asked."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._typed = b""

    def say(self, words: str) -> None:
        sys.stdout.write(words + "\n")
        sys.stdout.flush()

    def ask(self, words: str) -> None:
        """As `say`, without ending the line."""
        sys.stdout.write(words)
        sys.stdout.flush()

    def answer(self, words: str) -> str:
        """Ask, and wait for the whole line that is typed.  Raises NobodyThere at the end."""
        self.ask(words)
        while (line := self.line(wait=True)) is None:
            continue
        return line

    def line(self, *, wait: bool) -> str | None:
        """The next line; None where there is none yet.  Raises NobodyThere at the end."""
        if b"\n" not in self._typed:
            ready, _, _ = select.select([self._descriptor], [], [], None if wait else 0.0)
            if not ready:
                return None
            block = os.read(self._descriptor, 4096)
            if not block:
                raise NobodyThere("nobody is at the keyboard")
            self._typed += block
        line, whole, rest = self._typed.partition(b"\n")
        if not whole:
            return None
        self._typed = rest
        return line.decode(errors="replace")
