"""A simulated JBD BMS behind the series string on the table.

Source: Overkill Solar `JBD_REGISTER_MAP.md`, venus-os_dbus-serialbattery `lltjbd.py`.  Its switch
is the model's (`stations.model.bms`), by its cells or by its MOSFET command; settings are told in
factory mode only.  Its sense leads find the cells whether they are joined or not, so it answers
always.  Habit: it sleeps while no current flows, and the request that wakes it is lost.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime

from stations.sim.circuit import Seen
from stations.sim.faults import Switchboard
from stations.sim.world import World

START, READ, WRITE, END = 0xDD, 0xA5, 0x5A, 0x77
AROUND = 7
BASIC, CELLS, NAME, MOSFETS, ENTER, LEAVE = 0x03, 0x04, 0x05, 0xE1, 0x00, 0x01
CELL_OV, CELL_OV_RELEASE = 0x24, 0x25
FACTORY = bytes.fromhex("56 78")
DONE, ERROR = 0x00, 0x80
SLEEPS_AFTER_S = 30.0  # process time without current and without a request
OVER, MOS_LOCK = 0, 12  # bits of the protections
ZERO_C = 2731
Request = tuple[int, int, bytes]  # read or write, register, data


def reply(register: int, status: int, data: bytes = b"") -> bytes:
    body = bytes((status, len(data))) + data
    return bytes((START, register)) + body + _checksum(body) + bytes((END,))


def _checksum(body: bytes) -> bytes:
    return (-sum(body) & 0xFFFF).to_bytes(2, "big")


class Frames:
    """Cuts requests out of a byte stream; one with a bad check sum is passed over."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def waiting(self) -> bool:
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Request]:
        self._buffer += data
        requests: list[Request] = []
        while START in self._buffer:
            self._buffer = self._buffer[self._buffer.index(START) :]
            if len(self._buffer) < 4 or len(self._buffer) < self._buffer[3] + AROUND:
                return requests
            end = self._buffer[3] + AROUND
            found, self._buffer = self._buffer[:end], self._buffer[end:]
            body, tail = found[2:-3], found[-3:]
            if found[1] in (READ, WRITE) and tail == _checksum(body) + bytes((END,)):
                requests.append((found[1], body[0], body[2:]))
        self._buffer = b""
        return requests

    def pause(self) -> list[Request]:
        self._buffer = b""
        return []


class Jbd:
    latency_s = 0.05

    def __init__(
        self, serial_number: str, *, world: World, faults: Switchboard, capacity_ah: float
    ) -> None:
        self._name = serial_number
        self._world = world
        self._faults = faults
        self._capacity_ah = capacity_ah
        self._open = 0  # bits of the MOSFET command: 1 charge off, 2 discharge off
        self._in_factory_mode = False
        self._heard_s = -SLEEPS_AFTER_S
        faults.watch(self._break)

    def _break(self, instrument: str, name: str) -> None:
        if instrument == "bms":
            fault = self._faults.of("bms")
            self._world.adjust_bms(
                lambda bms: replace(
                    bms,
                    early_v=fault.early_v,
                    stays_closed=fault.stays_closed,
                    told_open=fault.dark or bool(self._open & 1),  # its switch needs power
                )
            )

    def framing(self) -> Frames:
        return Frames()

    def measures(self, request: Request) -> bool:
        return request[:2] in ((READ, BASIC), (READ, CELLS))

    def answer(self, request: Request) -> bytes | None:
        kind, register, data = request
        seen = self._world.see()
        asleep = not seen.current_flows and seen.at_s - self._heard_s >= SLEEPS_AFTER_S
        self._heard_s = seen.at_s
        if asleep:
            return None
        if kind == WRITE:
            return self._written(register, data)
        told = {
            BASIC: lambda: self._basic(seen),
            CELLS: lambda: self._cells(seen),
            NAME: lambda: self._name.encode(),
        }
        if self._in_factory_mode:
            told[CELL_OV] = lambda: _millivolts(seen.bms.over_v)
            told[CELL_OV_RELEASE] = lambda: _millivolts(seen.bms.release_v)
        if register not in told:
            return reply(register, ERROR)
        return reply(register, DONE, told[register]())

    def _written(self, register: int, data: bytes) -> bytes:
        if register == MOSFETS and len(data) == 2 and data[1] < 4:
            self._open = data[1]
            self._world.adjust_bms(lambda bms: replace(bms, told_open=bool(data[1] & 1)))
            self._world.note("set", instrument="bms", mosfets=self._open)
            return reply(register, DONE)
        if register not in (ENTER, LEAVE):
            return reply(register, ERROR)
        self._in_factory_mode = register == ENTER and data == FACTORY
        return reply(register, DONE)

    def _cells(self, seen: Seen) -> bytes:
        text = self._faults.measured(
            "bms",
            "cells",
            current_flows=seen.current_flows,
            fresh=lambda: " ".join(
                str(max(0, round(1000 * self._faults.shown("bms", position, volts, seen.at_s))))
                for position, volts in enumerate(seen.cell_volts, 1)
            ),
        )
        return b"".join(int(millivolts).to_bytes(2, "big") for millivolts in text.split())

    def _basic(self, seen: Seen) -> bytes:
        today = datetime.fromtimestamp(seen.at_s, UTC)
        fullness = min(seen.socs)
        probe = round(max(seen.temperatures_c) * 10) + ZERO_C
        claims_open = self._faults.of("bms").hides_output and seen.bms.tripped
        return struct.pack(
            ">HhHHHHHHHBBBBBHH",
            round(sum(seen.cell_volts) * 100),
            round(seen.bank_a * 100),
            round(self._capacity_ah * fullness * 100) & 0xFFFF,
            round(self._capacity_ah * 100) & 0xFFFF,
            12,
            today.year - 2000 << 9 | today.month << 5 | today.day,
            0,
            0,
            bool(self._open) << MOS_LOCK | seen.bms.tripped << OVER,
            0x20,
            round(fullness * 100),
            (self._open ^ 3) & 2 if seen.bms.charge_open or claims_open else self._open ^ 3,
            len(seen.cell_volts),
            2,
            probe,
            probe,
        )


def _millivolts(volts: float) -> bytes:
    return round(volts * 1000).to_bytes(2, "big")
