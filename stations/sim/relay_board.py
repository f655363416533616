"""A simulated Waveshare "Modbus RTU Relay" with 8 channels: drives a contactor, or the routes.

Source: the maker's wiki page of that name, development protocol V2.  Its timed closings run in
wall time, as guards do at every speed, and end by themselves whoever is dead by then.  A command
to a channel ends what was under way there; a timed closing that is sent again begins anew.
"""

from __future__ import annotations

import math
import threading

from stations.clock import guard_s
from stations.sim import rtu
from stations.sim.faults import Switchboard
from stations.sim.world import World

CHANNELS = 8
ALL = 0xFF
ON, OFF, TOGGLE = 0xFF00, 0x0000, 0x5500
FLASH_ON, FLASH_OFF = 0x200, 0x400  # + coil; the value is a time in tenths of a second
TENTHS_MAX = 0x7FFF
VERSION_REGISTER, VERSION = 0x8000, 200


class RelayBoard:
    """Answers requests at its address; a thread of its own plays its timers."""

    latency_s = 0.020  # process time: 16 bytes at 9,600 baud and the board's own loop

    def __init__(
        self,
        address: int,
        *,
        contactor: int = 0,
        routes: tuple[int, ...] = (),
        world: World,
        faults: Switchboard,
    ) -> None:
        """`contactor` is the channel, from 1, whose relay drives the world's contactor; `routes`
        are those that put the leads on cell 1, 2, …"""
        self.name = "router" if routes else "relay"
        self.address = address
        self._contactor = contactor - 1
        self._routes = tuple(channel - 1 for channel in routes)
        self._world = world
        self._faults = faults
        self._condition = threading.Condition()
        self._closed = [False] * CHANNELS
        self._welded: set[int] = set()  # coils whose contacts do not open with their relay
        self._due_s: dict[int, float] = {}  # coil: guard time at which it moves by itself
        self._ended = False
        faults.watch(self._befall)
        self._thread = threading.Thread(
            target=self._play_timers, name=f"{self.name} timers", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Its power goes: every relay opens."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _befall(self, instrument: str, name: str) -> None:
        """Without power every relay lets go; contacts that are sound again follow theirs."""
        if instrument != self.name:
            return
        with self._condition:
            fault = self._faults.of(self.name)
            if not fault.welds:
                self._welded.clear()
            for coil in range(CHANNELS) if fault.dark else ():
                self._move(coil, False)
            self._drive()

    def framing(self) -> rtu.Deframer:
        return rtu.Deframer(self.address)

    def measures(self, request: rtu.Request) -> bool:
        return False

    def answer(self, request: rtu.Request) -> bytes | None:
        function, address = request.function, request.address
        with self._condition:
            if function == rtu.READ_COILS:
                if request.count < 1 or address + request.count > CHANNELS:
                    return self._refuse(function, rtu.ILLEGAL_ADDRESS)
                coils = self._closed[address : address + request.count]
                return rtu.read_coils_answer(self.address, coils)
            if function == rtu.READ:
                if (address, request.count) != (VERSION_REGISTER, 1):
                    return self._refuse(function, rtu.ILLEGAL_ADDRESS)
                return rtu.read_answer(self.address, (VERSION,))
            if function not in (rtu.WRITE_COIL, rtu.WRITE_COILS):
                return self._refuse(function, rtu.ILLEGAL_FUNCTION)
            for coil, value in enumerate(request.values, address):
                self._world.note("set", instrument=self.name, register=coil, value=value)
            code = self._one(request) if function == rtu.WRITE_COIL else self._many(request)
            return self._refuse(function, code) if code else rtu.write_answer(self.address, request)

    def _refuse(self, function: int, code: int) -> bytes:
        return rtu.exception_answer(self.address, function, code)

    def _many(self, request: rtu.Request) -> int:
        if request.count < 1 or request.address + request.count > CHANNELS:
            return rtu.ILLEGAL_ADDRESS
        if len(request.values) != request.count:
            return rtu.ILLEGAL_VALUE
        for coil, value in enumerate(request.values, request.address):
            self._move(coil, bool(value))
        return 0

    def _one(self, request: rtu.Request) -> int:
        """Obey a write of one coil; the exception's code where it cannot be, else 0."""
        coil, value = request.address & 0xFF, request.values[0]
        kind = request.address - coil
        if coil >= CHANNELS and (kind, coil) != (0, ALL):
            return rtu.ILLEGAL_ADDRESS
        if kind in (FLASH_ON, FLASH_OFF):
            if not 1 <= value <= TENTHS_MAX:
                return rtu.ILLEGAL_VALUE
            self._move(coil, kind == FLASH_ON, guard_s() + value / 10)
        elif kind == 0:
            if value not in (ON, OFF, TOGGLE):
                return rtu.ILLEGAL_VALUE
            for each in range(CHANNELS) if coil == ALL else (coil,):
                self._move(each, value == ON or (value == TOGGLE and not self._closed[each]))
        else:
            return rtu.ILLEGAL_ADDRESS
        return 0

    def _move(self, coil: int, closed: bool, until_s: float = math.inf) -> None:
        """Move one relay, and back at `until_s`."""
        fault = self._faults.of(self.name)
        self._due_s.pop(coil, None)
        if until_s < math.inf and not fault.latches:
            self._due_s[coil] = until_s
        if fault.welds and self._closed[coil]:
            self._welded.add(coil)
        if not (fault.sticks_closed and self._closed[coil]) and not fault.sticks_open:
            self._closed[coil] = closed
        self._drive()
        self._condition.notify_all()

    def _drive(self) -> None:
        """What the relays drive: contacts follow their relay, or have welded."""
        tied = {*self._welded, *(coil for coil in range(CHANNELS) if self._closed[coil])}
        if self._routes:
            routed = [cell for cell, coil in enumerate(self._routes, 1) if coil in tied]
            self._world.route(tuple(routed))
        else:
            self._world.move_contactor(closed=self._contactor in tied)

    def _play_timers(self) -> None:
        with self._condition:
            while not self._ended:
                now_s = guard_s()
                for coil in [coil for coil, due_s in self._due_s.items() if due_s <= now_s]:
                    self._move(coil, not self._closed[coil])
                next_s = min(self._due_s.values(), default=math.inf)
                self._condition.wait(None if math.isinf(next_s) else next_s - guard_s())
            for coil in range(CHANNELS):
                self._move(coil, False)
