"""Instruments that answer from a table, in a process of their own: the figures are the drivers'.

Volts differ from answer to answer, as a meter's last digits do; the supply is in CC once it is on.

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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from stations.drivers import modbus

CHANNELS = (101, 102, 103, 104)
VOLTS = b"+3.300???00E+00"  # three digits that differ each time
IDENTITY = b"*IDN?\n"
NO_ERROR = b'+0,"No error"\n'
METER: Mapping[bytes, bytes] = {
    IDENTITY: b"Keysight Technologies,34461A,MY5320%04d,A.02.14-02.40-02.14-00.49-01-01\n",
    b"SYST:ERR?\n": NO_ERROR,
    b"CONF?\n": b'"VOLT +1.000000E+01,+3.000000E-06"\n',
    b"READ?\n": VOLTS + b"\n",
}
SCANNER: Mapping[bytes, bytes] = {
    IDENTITY: b"Agilent Technologies,34972A,MY4900%04d,1.17-1.12-02-02\n",
    b"SYST:ERR?\n": NO_ERROR,
    b"ROUT:SCAN?\n": b"#218(@101,102,103,104)\n",
    b"READ?\n": b",".join([VOLTS] * len(CHANNELS)) + b"\n",
}
REGISTERS = {0: 60181, 3: 128, 8: 365, 9: 1440, 10: 337, 13: 0, 14: 6520, 17: 1}
SERIAL, CURRENT_SET, CURRENT, OUTPUT = 2, 9, 11, 18


@dataclass(frozen=True)
class Bench:
    """Where they are; `line` is the supply's end of the wire, for bare exchanges."""

    supply: str
    meter: str
    scanner: str
    line: int
    serial_numbers: Mapping[str, str]


class _Lan(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, answers: Mapping[bytes, bytes], after_s: float, number: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        named = {IDENTITY: answers[IDENTITY] % number}
        self.answers, self.after_s = {**answers, **named}, after_s
        self.resource = f"TCPIP0::127.0.0.1::{self.server_address[1]}::SOCKET"


class _Answers(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: _Lan

    def handle(self) -> None:
        with suppress(ConnectionError):  # whoever asks may be killed
            for turn, line in enumerate(self.rfile):
                self._answer(turn, line)

    def _answer(self, turn: int, line: bytes) -> None:
        number, question = _turn(line)
        if question in self.server.answers:
            threading.Event().wait(self.server.after_s)
            answer = self.server.answers[question].replace(b"???", b"%03d" % (7 * turn % 1000))
            self.wfile.write(number + answer)


def _turn(line: bytes) -> tuple[bytes, bytes]:
    """What a reading's question begins with in its answer, and the question itself."""
    if not line.startswith(b"*ESE "):
        return b"", line
    number, _, question = line.removeprefix(b"*ESE ").split(b";", 2)
    return number + b";", question.removeprefix(b":")


@contextmanager
def answering(*, after_s: float = 0.0, number: int = 1) -> Iterator[Bench]:
    """`number` is the last part of their serial numbers."""
    master, line = os.openpty()
    tty.setraw(line)
    with _Lan(METER, after_s, number) as meter, _Lan(SCANNER, after_s, number) as scanner:
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(meter, scanner, master, after_s, number)
        )
        process.start()
    serial_numbers = {
        "supply": f"{number:08d}",
        "meter": f"MY5320{number:04d}",
        "scanner": f"MY4900{number:04d}",
    }
    try:
        yield Bench(os.ttyname(line), meter.resource, scanner.resource, line, serial_numbers)
    finally:
        process.terminate()
        process.join()
        os.close(master)
        os.close(line)


def _serve(meter: _Lan, scanner: _Lan, master: int, after_s: float, number: int) -> None:
    for server in (meter, scanner):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    registers = [REGISTERS.get(register, 0) for register in range(120)]
    registers[SERIAL] = number
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
        registers[CURRENT] = registers[CURRENT_SET] if registers[OUTPUT] else 0
        return request
    values: Any = registers[address : address + word]
    body = struct.pack(f">BBB{word}H", unit, function, 2 * word, *values)
    return body + struct.pack("<H", modbus.crc16(body))
