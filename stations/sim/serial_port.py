"""A Modbus RTU slave on a pseudo-terminal that any serial client can open by path."""

from __future__ import annotations

import os
import select
import threading
import tty
from contextlib import suppress
from pathlib import Path

from stations.sim import rtu
from stations.sim.delivery import Delivery
from stations.sim.faults import Switchboard
from stations.sim.riden import LATENCY_S, Riden
from stations.sim.world import World

SLAVE = 1
PAUSE_S = 0.05  # wall: silence on the line that ends a frame, generous for a busy host


class SerialPort:
    """The supply's USB port: `path` becomes a symlink to the pty, a new one after each plugging."""

    def __init__(self, path: Path, *, supply: Riden, world: World, faults: Switchboard) -> None:
        self._path = path
        self._supply = supply
        self._world = world
        self._faults = faults
        self._delivery = Delivery("supply", world=world, faults=faults)
        self._wire = threading.Lock()
        self._name = ""
        self._pty: tuple[int, int] | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="supply", daemon=True)
        self._plug()
        faults.watch(self._look)

    def start(self) -> None:
        self._delivery.start()
        self._thread.start()

    def close(self) -> None:
        self._delivery.close()
        os.write(self._wake_write, b"x")
        if self._thread.is_alive():
            self._thread.join()
        self._unplug()
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)

    def _plug(self) -> None:
        master, slave = pair = os.openpty()
        if os.ttyname(slave) == self._name:  # the old number is free again: take another
            master, slave = os.openpty()
            for descriptor in pair:
                os.close(descriptor)
        tty.setraw(slave)  # and kept open: the line stays up when a client hangs up
        os.set_blocking(master, False)
        self._name = os.ttyname(slave)
        self._path.unlink(missing_ok=True)
        self._path.symlink_to(self._name)
        self._pty = master, slave

    def _unplug(self) -> None:
        self._path.unlink(missing_ok=True)
        with self._wire:
            descriptors, self._pty = self._pty or (), None
            for descriptor in descriptors:
                os.close(descriptor)

    def _look(self, instrument: str, fault: str) -> None:
        """The hands have set a fault: a port that is no longer unplugged comes back."""
        if instrument == "supply":
            os.write(self._wake_write, b"f")

    def _serve(self) -> None:
        deframer = rtu.Deframer(SLAVE)
        while True:
            heard = [self._pty[0]] if self._pty else []
            patience_s = PAUSE_S if deframer.waiting else None
            ready, _, _ = select.select([*heard, self._wake_read], [], [], patience_s)
            if self._wake_read in ready:
                if b"x" in os.read(self._wake_read, 64):
                    return
                if self._pty is None and not self._faults.of("supply").unplugs:
                    self._plug()
                    self._world.note("plugged", port=self._name)
                    deframer = rtu.Deframer(SLAVE)
                continue
            requests = deframer.feed(os.read(heard[0], 4096)) if ready else deframer.pause()
            for request in requests:
                self._answer(request)

    def _answer(self, request: rtu.Request) -> None:
        if self._deaf:
            return
        self._world.wait(LATENCY_S)
        frame = self._supply.answer(request)
        if frame is None or self._deaf:
            return
        if self._faults.of("supply").unplugs:
            self._write(frame[: len(frame) // 2])
            self._world.note("unplugged", sent=frame[: len(frame) // 2].hex(" "))
            self._unplug()
            return
        measured = frame.hex(" ") if self._supply.measures(request) else ""
        self._delivery.send(frame, self._write, measured=measured)

    def _write(self, piece: bytes) -> None:
        with self._wire, suppress(BlockingIOError):  # nobody reads: lost, as on a real line
            if self._pty:
                os.write(self._pty[0], piece)

    @property
    def _deaf(self) -> bool:
        return self._faults.of("supply").swallows
