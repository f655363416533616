"""One instrument on a pseudo-terminal that any serial client can open by path."""

from __future__ import annotations

import os
import select
import threading
import tty
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from stations.config import leads_to_pty
from stations.sim.delivery import Delivery
from stations.sim.faults import Fault, Switchboard
from stations.sim.world import World

PAUSE_S = 0.05  # wall: silence on the line that ends a frame, generous for a busy host


class Framing(Protocol):
    """Cuts the requests of one instrument's language out of a byte stream."""

    @property
    def waiting(self) -> bool:
        """Whether a part of a request has come."""
        ...

    def feed(self, data: bytes) -> list[Any]: ...

    def pause(self) -> list[Any]:
        """The line was silent: what came is all there is."""
        ...


class SerialDevice(Protocol):
    """What answers the requests that its own framing has cut."""

    latency_s: float  # process time for one answer

    def framing(self) -> Framing: ...

    def answer(self, request: Any) -> bytes | None:
        """What goes back; None where the instrument says nothing."""
        ...

    def measures(self, request: Any) -> bool:
        """Whether the answer carries a measurement."""
        ...


def clear(path: Path) -> None:
    """Take away what a dead simulator left of its port; OSError where anything else lies there."""
    if leads_to_pty(path):
        path.unlink(missing_ok=True)
    elif os.path.lexists(path):
        raise FileExistsError(f"{path} is not the port of a simulator: name another resource")


class SerialPort:
    """Its USB port: `path` becomes a symlink to the pty, a new one after each plugging."""

    def __init__(
        self, path: Path, *, role: str, device: SerialDevice, world: World, faults: Switchboard
    ) -> None:
        self._path = path
        self._role = role
        self._device = device
        self._world = world
        self._faults = faults
        self._delivery = Delivery(role, world=world, faults=faults)
        self._wire = threading.Lock()
        self._name = ""
        self._pty: tuple[int, int] | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name=role, daemon=True)
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
        clear(self._path)
        self._path.symlink_to(self._name)
        self._pty = master, slave

    def _unplug(self) -> None:
        if self._path.is_symlink() and str(self._path.readlink()) == self._name:
            self._path.unlink(missing_ok=True)
        with self._wire:
            descriptors, self._pty = self._pty or (), None
            for descriptor in descriptors:
                os.close(descriptor)

    def _look(self, instrument: str, fault: str) -> None:
        """The hands have set a fault: a port that is no longer unplugged comes back."""
        if instrument == self._role:
            os.write(self._wake_write, b"f")

    def _serve(self) -> None:
        framing = self._device.framing()
        while True:
            heard = [self._pty[0]] if self._pty else []
            patience_s = PAUSE_S if framing.waiting else None
            ready, _, _ = select.select([*heard, self._wake_read], [], [], patience_s)
            if self._wake_read in ready:
                if b"x" in os.read(self._wake_read, 64):
                    return
                if self._pty is None and not self._fault.unplugs:
                    self._plug()
                    self._world.note("plugged", port=self._name)
                    framing = self._device.framing()
                continue
            requests = framing.feed(os.read(heard[0], 4096)) if ready else framing.pause()
            for request in requests:
                self._answer(request)

    def _answer(self, request: Any) -> None:
        if self._fault.swallows:
            return
        self._world.wait(self._device.latency_s)
        frame = self._device.answer(request)
        if frame is None or self._fault.swallows:
            return
        if self._fault.unplugs:
            self._write(frame[: len(frame) // 2])
            self._world.note("unplugged", sent=frame[: len(frame) // 2].hex(" "))
            self._unplug()
            return
        measured = frame.hex(" ") if self._device.measures(request) else ""
        self._delivery.send(frame, self._write, measured=measured)

    def _write(self, piece: bytes) -> None:
        with self._wire, suppress(BlockingIOError):  # nobody reads: lost, as on a real line
            if self._pty:
                os.write(self._pty[0], piece)

    @property
    def _fault(self) -> Fault:
        return self._faults.of(self._role)
