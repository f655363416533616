"""pymodbus as the instrument: its server on one end of a line, a driver of ours on the other."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import tty
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import SimDevice

T = TypeVar("T")


@contextmanager
def serving(devices: Sequence[SimDevice], baud: int) -> Iterator[str]:
    """Serve `devices` on a serial line; the path of the port at its other end."""
    with _line() as (theirs, ours):
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            server = _in(loop, _start(list(devices), theirs, baud))
            yield ours
            _in(loop, server.shutdown())  # type: ignore[no-untyped-call]
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _start(devices: list[SimDevice], port: str, baud: int) -> ModbusSerialServer:
    server = ModbusSerialServer(devices, port=port, baudrate=baud)
    await server.serve_forever(background=True)
    return server


def _in(loop: asyncio.AbstractEventLoop, work: Coroutine[None, None, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(10)


@contextmanager
def _line() -> Iterator[tuple[str, str]]:
    """Two serial ports joined by a cable."""
    pairs = [os.openpty(), os.openpty()]
    for _, port in pairs:
        tty.setraw(port)
    (one, _), (other, _) = pairs
    stop, stopped = os.pipe()

    def carry() -> None:
        while stop not in (ready := select.select([one, other, stop], [], [])[0]):
            for end in ready:
                os.write(other if end == one else one, os.read(end, 4096))

    cable = threading.Thread(target=carry)
    cable.start()
    try:
        yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    finally:
        os.close(stopped)
        cable.join()
        os.close(stop)
        for ends in pairs:
            for end in ends:
                os.close(end)
