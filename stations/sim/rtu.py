"""Modbus RTU from the slave's side: bytes to requests, answers to bytes.

Source: Modbus over Serial Line, Specification and Implementation Guide V1.02, section 2.5, and
Modbus Application Protocol V1.1b3, section 6.  A frame with a bad check sum or for another
slave is ignored without a word.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ, WRITE_ONE, WRITE_MANY = 0x03, 0x06, 0x10
READ_COILS, WRITE_COIL, WRITE_COILS = 0x01, 0x05, 0x0F
EIGHT_BYTES = frozenset((READ_COILS, READ, WRITE_COIL, WRITE_ONE))
COUNTED = frozenset((WRITE_COILS, WRITE_MANY))  # requests that say how many bytes follow
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS of `data`, low byte first as on the wire."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return struct.pack("<H", value)


def sealed(body: bytes) -> bytes:
    """`body` with its check sum: a whole frame."""
    return body + crc(body)


@dataclass(frozen=True, slots=True)
class Request:
    """A good frame addressed to us; `values` are what to write, empty for a read.

    They are words for registers and for one coil, 0 or 1 for many coils.
    """

    function: int
    address: int = 0
    count: int = 0
    values: tuple[int, ...] = ()


class Deframer:
    """Cuts requests out of a byte stream; a pause on the line ends whatever was under way."""

    def __init__(self, *slaves: int) -> None:
        self._slaves = slaves
        self._buffer = b""

    @property
    def waiting(self) -> bool:
        """Whether a part of a frame is in the buffer."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Request]:
        self._buffer += data
        requests = []
        while (length := self._frame_length()) and len(self._buffer) >= length:
            frame, self._buffer = self._buffer[:length], self._buffer[length:]
            if crc(frame[:-2]) != frame[-2:]:
                self._buffer = b""  # out of step: wait for the next pause
            elif frame[0] in self._slaves:
                requests.append(_request(frame[1:-2]))
        return requests

    def pause(self) -> list[Request]:
        """The line was silent: judge what came, for a function whose length we do not know."""
        frame, self._buffer = self._buffer, b""
        known = frame[1:2] and frame[1] in EIGHT_BYTES | COUNTED
        whole = len(frame) >= 4 and crc(frame[:-2]) == frame[-2:]
        if not whole or known or frame[0] not in self._slaves:
            return []
        return [Request(frame[1])]

    def _frame_length(self) -> int:
        """Bytes of the frame at the head of the buffer; 0 while that can't be said."""
        if len(self._buffer) < 2:
            return 0
        if self._buffer[1] in EIGHT_BYTES:
            return 8
        if self._buffer[1] in COUNTED and len(self._buffer) >= 7:
            return 9 + self._buffer[6]
        return 0


def _request(body: bytes) -> Request:
    function, address, word = struct.unpack_from(">BHH", body)
    if function in (READ, READ_COILS):
        return Request(function, address, word)
    if function in (WRITE_ONE, WRITE_COIL):
        return Request(function, address, 1, (word,))
    data = body[6:]
    if function == WRITE_COILS:
        bits = tuple(byte >> bit & 1 for byte in data for bit in range(8))
        return Request(function, address, word, bits[:word])
    return Request(
        function, address, word, struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2])
    )


def read_answer(slave: int, registers: tuple[int, ...]) -> bytes:
    return sealed(
        struct.pack(f">BBB{len(registers)}H", slave, READ, 2 * len(registers), *registers)
    )


def read_coils_answer(slave: int, coils: Sequence[bool]) -> bytes:
    """Eight coils a byte, the first in the lowest bit."""
    packed = [0] * ((len(coils) + 7) // 8)
    for i, coil in enumerate(coils):
        packed[i // 8] |= coil << i % 8
    return sealed(bytes((slave, READ_COILS, len(packed), *packed)))


def write_answer(slave: int, request: Request) -> bytes:
    """The echo: the value for one register or coil, the count for many."""
    word = request.count if request.function in COUNTED else request.values[0]
    return sealed(struct.pack(">BBHH", slave, request.function, request.address, word))


def exception_answer(slave: int, function: int, code: int) -> bytes:
    return sealed(bytes((slave, function | 0x80, code)))
