"""The bench clock: process time, and the guard and wall clocks beside it.

Guard time (dead-man, time-outs, leases) is `guard_s()` at every speed.  Process time is a UTC
anchor plus a monotonic clock that counts suspend; on a simulated bench it runs fast while an
output is on.  The simulator publishes its rate in a small shared file (CLOCK_BOOTTIME is the
same for every process of a host), so that the guardian and the simulated instruments agree
without a message.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


def guard_s() -> float:
    """Seconds of a monotonic clock that counts suspend; only differences mean anything."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wall_now() -> datetime:
    """Wall time, aware UTC; for labels and ages of evidence, never for order."""
    return datetime.now(UTC)


class Clock(Protocol):
    """Process time of one bench."""

    @property
    def simulated(self) -> bool: ...

    @property
    def speed(self) -> float:
        """Process seconds per wall second, now."""
        ...

    def now(self) -> datetime:
        """Process time, aware UTC; never runs back."""
        ...


class RealClock:
    """Process time of a real bench: a UTC anchor at start plus CLOCK_BOOTTIME, at speed 1."""

    simulated = False
    speed = 1.0

    def __init__(self) -> None:
        self._anchor = wall_now()
        self._anchor_s = guard_s()

    def now(self) -> datetime:
        return self._anchor + timedelta(seconds=guard_s() - self._anchor_s)


# version counter, guard seconds at the last change, process seconds (UNIX) then, speed
_LAYOUT = struct.Struct("<Qddd")


class SharedClock:
    """Process time of a simulated bench, read from the file that its simulator writes."""

    simulated = True

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size, access=mmap.ACCESS_READ)

    def _read(self) -> tuple[float, float, float]:
        while True:
            before, guard_ref, process_ref, speed = _LAYOUT.unpack_from(self._map)
            (after,) = struct.unpack_from("<Q", self._map)
            if before == after and before % 2 == 0:
                return guard_ref, process_ref, speed

    @property
    def speed(self) -> float:
        return self._read()[2]

    def now(self) -> datetime:
        guard_ref, process_ref, speed = self._read()
        return datetime.fromtimestamp(process_ref + (guard_s() - guard_ref) * speed, UTC)


class ClockWriter:
    """The simulator's side of a SharedClock: starts at wall time and speed 1.

    After a restart it goes on from where readers of the old file have got to, for process time
    never runs back.  FileExistsError where something else lies at `path`.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o644)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size not in (0, _LAYOUT.size):
                raise FileExistsError(f"{path} is not the clock of a simulator: name another file")
            os.ftruncate(descriptor, _LAYOUT.size)
            self._map = mmap.mmap(descriptor, _LAYOUT.size)
        finally:
            os.close(descriptor)
        version, guard_ref, process_ref, speed = _LAYOUT.unpack_from(self._map)
        self._version = version + version % 2
        self._guard_ref = guard_s()
        reached_s = process_ref + (self._guard_ref - guard_ref) * speed if version else 0.0
        self._process_ref = max(wall_now().timestamp(), reached_s)
        self._speed = 1.0
        self._publish()

    def now_s(self) -> float:
        """Process time in UNIX seconds."""
        return self._process_ref + (guard_s() - self._guard_ref) * self._speed

    @property
    def speed(self) -> float:
        return self._speed

    def set_speed(self, speed: float) -> None:
        guard = guard_s()
        self._process_ref += (guard - self._guard_ref) * self._speed
        self._guard_ref = guard
        self._speed = speed
        self._publish()

    def _publish(self) -> None:
        # Odd while the fields change, even when they are whole: a reader tries again.
        self._version += 1
        struct.pack_into("<Q", self._map, 0, self._version)
        _LAYOUT.pack_into(
            self._map, 0, self._version, self._guard_ref, self._process_ref, self._speed
        )
        self._version += 1
        struct.pack_into("<Q", self._map, 0, self._version)
