"""What our driver adds to the wire: a scan of 4 channels against two bare socket queries.

Both talk to the same local server in its own process, in turns, so that a busy machine slows
both alike.  The driver's part is a whole `measure`: READ?, strict parse, bank order, and each
cell checked against its limits.
"""

from __future__ import annotations

import multiprocessing
import socket
import socketserver
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stations.drivers import registry
from stations.drivers.protocols import Scanner
from stations.values import Window
from tests.benchmarks.report import report

ROUNDS = 2000
WARM_UP = 200
BAR = 1.5
CHANNELS = (101, 102, 103, 104)
CELL_LIMITS = Window(2.0, 3.66)
READING = b"+3.29876500E+00,+3.30012300E+00,+3.29991200E+00,+3.30104700E+00\n"
ANSWERS = {
    b"*IDN?\n": b"Agilent Technologies,34972A,MY49000001,1.17-1.12-02-02\n",
    b"SYST:ERR?\n": b'+0,"No error"\n',
    b"ROUT:SCAN?\n": b"#218(@101,102,103,104)\n",
    b"READ?\n": READING,
}


class _Scanner(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        for line in self.rfile:
            numbered, _, question = line.rpartition(b";*ESE?;:")
            number = numbered.removeprefix(b"*ESE ") + b";" if numbered else b""
            if question in ANSWERS:
                self.wfile.write(number + ANSWERS[question])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def _serving() -> Iterator[int]:
    with _Server(("127.0.0.1", 0), _Scanner) as server:
        port: int = server.server_address[1]
        process = multiprocessing.get_context("fork").Process(target=server.serve_forever)
        process.start()
    try:
        yield port
    finally:
        process.terminate()
        process.join()


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _checked_scan(scanner: Scanner) -> bool:
    return all(CELL_LIMITS.contains(volts) for volts in scanner.measure().volts)


def _two_queries(wire: socket.socket) -> bytes:
    for _ in range(2):
        wire.sendall(b"READ?\n")
        reply = wire.recv(4096)
        while not reply.endswith(b"\n"):
            reply += wire.recv(4096)
    return reply


def ratio(port: int) -> float:
    """The median of how much longer the scan takes than two queries beside it."""
    resource = f"TCPIP0::127.0.0.1::{port}::SOCKET"
    scanner = registry.open_scanner("keysight_34972a", resource, channels=CHANNELS, timeout_s=1.0)
    scanner.prepare()
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ratios = [
            _seconds(lambda: _checked_scan(scanner)) / _seconds(lambda: _two_queries(wire))
            for _ in range(WARM_UP + ROUNDS)
        ]
        good = _checked_scan(scanner) and _two_queries(wire) == READING
    scanner.close()
    return statistics.median(ratios[WARM_UP:]) if good else float("nan")


def main() -> bool:
    with _serving() as port:
        figure = ratio(port)
    return report("scan of 4 channels, checked, to two bare queries", figure, unit="x", at_most=BAR)
