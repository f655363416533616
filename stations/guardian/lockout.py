"""Why a bench is locked until a person has looked at it, on disk: a restart is nobody's look."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from stations.journal import sync_folder


class Lockout:
    """`words` say why, "" while the bench is free."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.words = ""
        with suppress(FileNotFoundError):
            self.words = path.read_text(encoding="utf-8").strip() or "locked, nobody wrote why"

    def lock(self, words: str) -> None:
        """Keep the first reason; in force at once, even where the disk refuses it."""
        if self.words:
            return
        self.words = words
        with suppress(OSError):
            self._write(words)

    def unlock(self) -> None:
        """A person has looked.  OSError leaves the bench locked."""
        self._path.unlink(missing_ok=True)
        sync_folder(self._path.parent)
        self.words = ""

    def _write(self, words: str) -> None:
        with self._path.open("w", encoding="utf-8") as file:
            file.write(words + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self._path.parent)
