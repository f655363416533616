"""Modbus RTU frames for holding registers (functions 03, 06, 0x10) and coils (01, 05).

Bytes in, bytes out.  Source: "MODBUS over Serial Line, Specification and Implementation Guide"
V1.02, sections 2.5.1 and 6.2.2 (frame and CRC), and "MODBUS Application Protocol Specification"
V1.1b3, sections 6.1, 6.3, 6.5, 6.6, 6.12 and 7.  Register values are unsigned 16-bit integers
throughout, coils 0 or 1.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from stations.drivers.protocols import BadReply, Refused

READ, WRITE, WRITE_MANY = 0x03, 0x06, 0x10
READ_COILS, WRITE_COIL = 0x01, 0x05

EXCEPTION_LENGTH = 5  # unit, function | 0x80, code, CRC


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC_TABLE = tuple(_crc_of(byte) for byte in range(256))


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS of `data`; goes on the wire low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _framed(body: bytes) -> bytes:
    return body + struct.pack("<H", crc16(body))


@cache
def read_request(unit: int, start: int, count: int) -> bytes:
    """Ask for `count` registers from `start` on (function 03)."""
    return _framed(struct.pack(">BBHH", unit, READ, start, count))


def write_request(unit: int, register: int, value: int) -> bytes:
    """Set one register (function 06); its reply is an echo."""
    return _framed(struct.pack(">BBHH", unit, WRITE, register, value))


def write_many_request(unit: int, start: int, values: Sequence[int]) -> bytes:
    """Set consecutive registers in one transaction (function 0x10)."""
    head = struct.pack(">BBHHB", unit, WRITE_MANY, start, len(values), 2 * len(values))
    return _framed(head + struct.pack(f">{len(values)}H", *values))


def read_coils_request(unit: int, start: int, count: int) -> bytes:
    """Ask for `count` coils from `start` on (function 01)."""
    return _framed(struct.pack(">BBHH", unit, READ_COILS, start, count))


def write_coil_request(unit: int, coil: int, value: int) -> bytes:
    """Set one coil (function 05); its reply is an echo.

    The standard's values are 0xFF00 and 0; some devices give other coils values of their own.
    """
    return _framed(struct.pack(">BBHH", unit, WRITE_COIL, coil, value))


class Answer(NamedTuple):
    """What a device answered: values of registers or coils (none for a write), and the frame."""

    registers: tuple[int, ...]
    raw: bytes


def answer(request: bytes, heard: bytes) -> Answer | None:
    """The answer to `request` in all that was heard since, or None while it is not whole.

    Raises BadReply as soon as `heard` cannot be the beginning of the one frame that answers,
    and Refused for an exception reply.
    """
    if not _begins_right(request, heard):
        raise BadReply(f"{heard.hex(' ')} does not answer {request.hex(' ')}; read again")
    length = EXCEPTION_LENGTH if heard[1:2] > b"\x7f" else reply_length(request)
    return _whole(request, heard) if len(heard) >= length else None


def answer_at_end(request: bytes, heard: bytes) -> Answer | None:
    """Like `answer`, but passes over anything before it: for finding the beat after a fault."""
    try:
        return _whole(request, heard[-reply_length(request) :])
    except BadReply:
        return None


def reply_length(request: bytes) -> int:
    """Bytes in the reply to `request`, unless the device answers with an exception."""
    count = int.from_bytes(request[4:6], "big")
    if request[1] == READ:
        return 5 + 2 * count
    if request[1] == READ_COILS:
        return 5 + (count + 7) // 8
    return 8


def _begins_right(request: bytes, heard: bytes) -> bool:
    """Whether `heard` is so far what answers: unit, function, then byte count or echo."""
    reads = request[1] in (READ, READ_COILS)
    follows = bytes((reply_length(request) - 5,)) if reads else request[2:6]
    good, refused = request[:2] + follows, bytes((request[0], request[1] | 0x80))
    return good.startswith(heard[: len(good)]) or refused.startswith(heard[:2])


def _whole(request: bytes, frame: bytes) -> Answer:
    if crc16(frame[:-2]) != int.from_bytes(frame[-2:], "little"):
        raise BadReply(f"not one whole Modbus frame: {frame.hex(' ')}; read again")
    if len(frame) == EXCEPTION_LENGTH and frame[1] == request[1] | 0x80:
        raise Refused(f"Modbus exception {frame[2]} to {request.hex(' ')}; is it this model?")
    if len(frame) != reply_length(request) or not _begins_right(request, frame):
        raise BadReply(f"{frame.hex(' ')} does not answer {request.hex(' ')}; read again")
    return Answer(_values(request, frame[3:-2]), frame)


def _values(request: bytes, data: bytes) -> tuple[int, ...]:
    if request[1] == READ:
        return struct.unpack(f">{len(data) // 2}H", data)
    if request[1] == READ_COILS:
        count = int.from_bytes(request[4:6], "big")
        return tuple(data[i // 8] >> i % 8 & 1 for i in range(count))
    return ()
