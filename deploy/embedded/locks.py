"""Advisory file locks: who uses the servers, and who owns them.

`users.lock` is held shared by every process that uses the servers; `holder.lock` exclusively
by the holder, whose lock file reads "ready" while both servers answer.  The kernel drops a
lock with its process, so `kill -9` leaves nothing to clean up and no process id is trusted.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

READY = b"ready\n"


def open_lock(path: Path) -> int:
    """A descriptor to lock; not inherited by programs this process starts."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_exclusive(descriptor: int) -> bool:
    return _try(descriptor, fcntl.LOCK_EX)


def try_shared(descriptor: int) -> bool:
    return _try(descriptor, fcntl.LOCK_SH)


def release(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def holder_state(data: Path) -> str:
    """ "absent", "starting" or "ready"."""
    descriptor = open_lock(data / "holder.lock")
    try:
        if try_shared(descriptor):
            return "absent"
        return "ready" if os.pread(descriptor, len(READY), 0) == READY else "starting"
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
