"""The least that a bench's two processes can be: a loop with sockets and fsync, and who hears it.

Ten times a second the one asks three instruments at once, appends what they answered to a file,
waits for the disk and tells the other, who only listens.  No driver, no check, no thought.
A line begins with the guard time at which its sample was begun.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from stations.clock import guard_s
from stations.drivers import modbus
from tests.benchmarks.answering import Bench

STATE = modbus.read_request(1, 8, 11)
QUERY = b"READ?\n"


@contextmanager
def skeleton(bench: Bench, folder: Path, period_s: float) -> Iterator[list[int]]:
    """The process ids of the two, while they run."""
    fork = multiprocessing.get_context("fork")
    loop_end, other_end = socket.socketpair()
    loop = fork.Process(target=_loop, args=(bench, folder / "skeleton", loop_end, period_s))
    other = fork.Process(target=_listen, args=(other_end,))
    processes = [loop, other]
    for process in processes:
        process.start()
    try:
        yield [process.pid for process in processes if process.pid is not None]
    finally:
        for process in processes:
            process.terminate()
            process.join()
        loop_end.close()
        other_end.close()


def _loop(bench: Bench, path: Path, told: socket.socket, period_s: float) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    line = os.open(bench.supply, os.O_RDWR | os.O_NOCTTY)
    wires = [_wire(bench.meter), _wire(bench.scanner)]
    asks: dict[int, Callable[[], object]] = {line: lambda: os.write(line, STATE)}
    asks |= {wire.fileno(): lambda wire=wire: wire.send(QUERY) for wire in wires}  # type: ignore[misc]
    poll, pause = select.poll(), Event()
    for descriptor in asks:
        poll.register(descriptor, select.POLLIN)
    due_s = guard_s()
    while True:
        due_s += period_s
        pause.wait(max(0.0, due_s - guard_s()))
        began = b"%.6f" % guard_s()
        for ask in asks.values():
            ask()
        heard: dict[int, bytes] = {}
        while len(heard) < len(asks):
            heard |= {ready: os.read(ready, 4096) for ready, _ in poll.poll()}
        record = b"%s %s\n" % (began, b" ".join(heard.values()).hex().encode())
        os.write(file, record)
        os.fdatasync(file)
        told.send(record)


def _listen(heard: socket.socket) -> None:
    while heard.recv(4096):
        continue


def _wire(resource: str) -> socket.socket:
    _, host, port, _ = resource.split("::")
    wire = socket.create_connection((host, int(port)), timeout=1.0)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire
