"""One demo per data folder, and who it is: a lock that goes with its process, however it ends."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_WORDS_MAX = 200  # bytes


class FolderHeld(Exception):
    """Another demo runs on this data folder; the message says who, since when and where."""


@dataclass(frozen=True, slots=True)
class DemoLock:
    """Held until `release`, or the end of this process."""

    descriptor: int
    since: datetime

    def tell(self, url: str = "") -> None:
        """For whoever comes second: this process, and where it serves."""
        words = f"{os.getpid()} {self.since.isoformat(timespec='seconds')} {url}\n"
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, words.encode(), 0)

    def release(self) -> None:
        os.close(self.descriptor)


def take(data: Path, *, now: datetime) -> DemoLock:
    """Raises FolderHeld, or OSError where the folder cannot be written; then nothing was done."""
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.pread(descriptor, _WORDS_MAX, 0).decode()
        os.close(descriptor)
        raise FolderHeld(_held(data, words)) from None
    lock = DemoLock(descriptor, now)
    lock.tell()
    return lock


def _held(data: Path, words: str) -> str:
    pid, since, url = [*words.split(), "", "", ""][:3]
    if not since:  # it has the lock, and is about to say so
        return f"a demo is just starting on {data}: look again in a moment"
    began = datetime.fromisoformat(since).astimezone()
    return (
        f"a demo runs already on {data}: process {pid}, since {began:%d %B %H:%M:%S}. "
        + (f"Open {url}, or stop it" if url else "Wait until it serves, or stop it")
        + f" (`kill {pid}`), or set CELLSHOP_DATA to another folder."
    )
