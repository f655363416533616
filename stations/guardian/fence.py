"""The fencing token: the highest one ever seen on this bench, on disk before it is obeyed.

Instruments cannot check tokens, so the guardian does it for them: whoever asks with a lower
token than the highest was overtaken and commands nothing any more.
"""

from __future__ import annotations

import os
from pathlib import Path

from stations.journal import sync_folder


class FenceBroken(Exception):
    """The token file does not hold a number; a person must put the highest token back."""


class Fence:
    """The highest token, in memory and in a file of the bench folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._highest = _read(path)

    @property
    def highest(self) -> int:
        return self._highest

    def raise_to(self, token: int) -> None:
        """Make `token` the highest; returns when the disk has it.

        Raises ValueError for a token that is not higher, OSError when the disk refuses; the
        old token stays in force then.
        """
        if not token > self._highest:
            raise ValueError(f"token {token} is not above {self._highest}")
        draft = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            os.write(descriptor, f"{token}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(self._path)
        sync_folder(self._path.parent)
        self._highest = token


def _read(path: Path) -> int:
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return 0
    if not text.isdecimal():
        raise FenceBroken(
            f"{path} holds {text[:40]!r}: write the highest token of this bench there"
        )
    return int(text)
