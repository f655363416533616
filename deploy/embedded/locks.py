"""Advisory file locks: who uses the servers, and who owns them.

`users.lock` is held shared by every process that uses the servers; `holder.lock` exclusively
by the holder, whose lock file reads "ready" and the names of the servers that answer.  The
kernel drops a lock with its process, so `kill -9` leaves nothing to clean up and no process id
is trusted.  `wanted` lists the servers that somebody asked for.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

_STATE_MAX = 80  # bytes


def open_lock(path: Path) -> int:
    """A descriptor to lock; not inherited by programs this process starts."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_exclusive(descriptor: int) -> bool:
    return _try(descriptor, fcntl.LOCK_EX)


def try_shared(descriptor: int) -> bool:
    return _try(descriptor, fcntl.LOCK_SH)


def release(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def want(data: Path, servers: Iterable[str]) -> None:
    """Ask the holder, or the next one, for `servers`."""
    with (data / "wanted").open("a") as file:
        file.write(f"{' '.join(servers)}\n")


def wanted(data: Path) -> frozenset[str]:
    try:
        return frozenset((data / "wanted").read_text().split())
    except FileNotFoundError:
        return frozenset()


def publish(descriptor: int, servers: Iterable[str]) -> None:
    """Write into the holder's own lock file that it is ready with `servers`."""
    os.pwrite(descriptor, f"ready {' '.join(sorted(servers))}\n".encode(), 0)


def holder_state(data: Path, servers: Iterable[str] = ()) -> str:
    """ "absent", "starting" or "ready", which means that `servers` answer."""
    descriptor = open_lock(data / "holder.lock")
    try:
        if try_shared(descriptor):
            return "absent"
        words = os.pread(descriptor, _STATE_MAX, 0).decode().split()
        return "ready" if {"ready", *servers} <= {*words} else "starting"
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
