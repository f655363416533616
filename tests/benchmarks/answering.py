"""Instruments that answer from a table, in a process of their own: the figures are the drivers'.

with answering(after_s=0.005) as bench:
    meter = registry.open_meter("keysight_34461a", bench.meter, timeout_s=1.0)
"""

from __future__ import annotations

import multiprocessing
import os
import socketserver
import struct
import threading
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stations.drivers import modbus

CHANNELS = (101, 102, 103, 104)
SCAN = b"+3.29876500E+00,+3.30012300E+00,+3.29991200E+00,+3.30104700E+00\n"
NO_ERROR = b'+0,"No error"\n'
METER: Mapping[bytes, bytes] = {
    b"*IDN?\n": b"Keysight Technologies,34461A,MY53200001,A.02.14-02.40-02.14-00.49-01-01\n",
    b"SYST:ERR?\n": NO_ERROR,
    b"CONF?\n": b'"VOLT +1.000000E+01,+3.000000E-06"\n',
    b"READ?\n": b"+3.30012300E+00\n",
}
SCANNER: Mapping[bytes, bytes] = {
    b"*IDN?\n": b"Agilent Technologies,34972A,MY49000001,1.17-1.12-02-02\n",
    b"SYST:ERR?\n": NO_ERROR,
    b"ROUT:SCAN?\n": b"#218(@101,102,103,104)\n",
    b"READ?\n": SCAN,
}
SERIAL_NUMBERS = {"supply": "00012345", "meter": "MY53200001", "scanner": "MY49000001"}
REGISTERS = {0: 60181, 2: 12345, 3: 128, 8: 365, 9: 1440, 10: 360, 13: 0, 14: 6520}


@dataclass(frozen=True)
class Bench:
    """Where they are; `line` is the supply's end of the wire, for bare exchanges."""

    supply: str
    meter: str
    scanner: str
    line: int


class _Lan(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, answers: Mapping[bytes, bytes], after_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers, self.after_s = answers, after_s
        self.resource = f"TCPIP0::127.0.0.1::{self.server_address[1]}::SOCKET"


class _Answers(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: _Lan

    def handle(self) -> None:
        pause = threading.Event()
        for line in self.rfile:
            number, question = _turn(line)
            if question in self.server.answers:
                pause.wait(self.server.after_s)
                self.wfile.write(number + self.server.answers[question])


def _turn(line: bytes) -> tuple[bytes, bytes]:
    """What a reading's question begins with in its answer, and the question itself."""
    if not line.startswith(b"*ESE "):
        return b"", line
    number, _, question = line.removeprefix(b"*ESE ").split(b";", 2)
    return number + b";", question.removeprefix(b":")


@contextmanager
def answering(*, after_s: float = 0.0) -> Iterator[Bench]:
    master, line = os.openpty()
    tty.setraw(line)
    with _Lan(METER, after_s) as meter, _Lan(SCANNER, after_s) as scanner:
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(meter, scanner, master, after_s)
        )
        process.start()
    try:
        yield Bench(os.ttyname(line), meter.resource, scanner.resource, line)
    finally:
        process.terminate()
        process.join()
        os.close(master)
        os.close(line)


def _serve(meter: _Lan, scanner: _Lan, master: int, after_s: float) -> None:
    for server in (meter, scanner):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    registers = [REGISTERS.get(number, 0) for number in range(120)]
    pause = threading.Event()
    while True:
        request = os.read(master, 256)
        pause.wait(after_s)
        os.write(master, _answer(registers, request))


def _answer(registers: list[int], request: bytes) -> bytes:
    """What a Modbus slave without any objection says."""
    unit, function, address, word = struct.unpack_from(">BBHH", request)
    if function == modbus.WRITE:
        registers[address] = word
        return request
    values: Any = registers[address : address + word]
    body = struct.pack(f">BBB{word}H", unit, function, 2 * word, *values)
    return body + struct.pack("<H", modbus.crc16(body))
