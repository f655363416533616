"""A Modbus RTU slave on a pseudo-terminal that any serial client can open by path."""

from __future__ import annotations

import os
import select
import threading
import tty
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from stations.sim import rtu
from stations.sim.faults import Switchboard
from stations.sim.world import World

PAUSE_S = 0.05  # wall: silence on the line that ends a frame, generous for a busy host


class Device(Protocol):
    """What answers requests at the end of a line; it knows nothing of serial lines."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> int:
        """As a slave on the line."""
        ...

    @property
    def latency_s(self) -> float:
        """Process time between a request and its answer."""
        ...

    def answer(self, request: rtu.Request) -> bytes | None:
        """The frame that goes back; None where the unit says nothing."""
        ...

    def measures(self, request: rtu.Request) -> bool:
        """Whether the answer carries measured values."""
        ...


class SerialPort:
    """The USB port of one device: `path` becomes a symlink to the pty."""

    def __init__(self, path: Path, *, device: Device, world: World, faults: Switchboard) -> None:
        self._path = path
        self._device = device
        self._world = world
        self._faults = faults
        self._replies = 0
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)  # and kept open: the line stays up when a client hangs up
        os.set_blocking(self._master, False)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name=device.name, daemon=True)
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._slave))

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.write(self._wake_write, b"x")
        if self._thread.is_alive():
            self._thread.join()
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _serve(self) -> None:
        deframer = rtu.Deframer(self._device.address)
        while True:
            patience_s = PAUSE_S if deframer.waiting else None
            ready, _, _ = select.select([self._master, self._wake_read], [], [], patience_s)
            if self._wake_read in ready:
                return
            requests = deframer.feed(os.read(self._master, 4096)) if ready else deframer.pause()
            for request in requests:
                self._answer(request)

    def _answer(self, request: rtu.Request) -> None:
        if self._deaf:
            return
        self._world.wait(self._device.latency_s)
        frame = self._device.answer(request)
        if frame is None or self._deaf or self._faults.of(self._device.name).mutes:
            return
        if self._device.measures(request):
            # Before it leaves: whatever a client took is in the log, even if we are killed.
            self._replies += 1
            raw = frame.hex(" ")
            self._world.note("reply", instrument=self._device.name, n=self._replies, raw=raw)
        with suppress(BlockingIOError):  # nobody reads: lost on the line, as on a real one
            os.write(self._master, frame)

    @property
    def _deaf(self) -> bool:
        return self._faults.of(self._device.name).swallows
