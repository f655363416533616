"""A simulated ITECH IT8514C+ or BK 8514 load: 26-byte frames, modes, battery test and timer.

Source: sigrok `src/hardware/itech-it8500`, pybk8500 `commands.py`, BK Precision `dcload.py`.
Habits: a frame with a bad check sum is answered with status 90; nothing is set before remote
control; no current is set above the most that is allowed, nor that below it; the battery test
draws a constant current whatever the mode (BK's 8500B manual), and it and the timer switch the
load off by themselves; it goes on drawing when nobody speaks to it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from stations.sim.circuit import Seen
from stations.sim.faults import Fault, Switchboard
from stations.sim.sink import Sink
from stations.sim.world import World

ADDRESS, ANYONE = 0, 0xFF
LENGTH, DATA = 26, 22
START, STATUS = 0xAA, 0x12
DONE, BAD_SUM, BAD_VALUE, CANNOT, UNKNOWN = 0x80, 0x90, 0xA0, 0xB0, 0xC0
MODES = ("CC", "CV", "CW", "CR")
FIXED, BATTERY_TEST = 0, 4
POWER, MOST, LEVEL = 0x2E, 0x24, 0x2A
LEVELS = {  # set command (get is the next): attribute of the sink, counts per unit, most
    MOST: ("current_max_a", 10_000, 240.0),
    LEVEL: ("current_a", 10_000, 240.0),
    0x2C: ("voltage_v", 1_000, 120.0),
    POWER: ("power_w", 1_000, 1_500.0),
    0x30: ("resistance_ohm", 1_000, 7_500.0),
}
REMOTE, INPUT, MODE, LOWEST, TIMER, TIMED, FUNCTION = 0x20, 0x21, 0x28, 0x4E, 0x50, 0x52, 0x5D
STATE, PRODUCT, GET_LIMITS = 0x5F, 0x6A, 0x01
Request = tuple[int, bytes]  # command and data; command 0 for a frame with a bad check sum


def frame(command: int, data: bytes) -> bytes:
    body = bytes((START, ADDRESS, command)) + data.ljust(DATA, b"\0")
    return body + bytes((sum(body) % 256,))


class Frames:
    """Cuts frames for us out of a byte stream; a pause ends whatever was under way."""

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
            if len(self._buffer) < LENGTH:
                return requests
            found, self._buffer = self._buffer[:LENGTH], self._buffer[LENGTH:]
            if found[1] in (ADDRESS, ANYONE):
                good = sum(found[:-1]) % 256 == found[-1]
                requests.append((found[2] if good else 0, found[3:-1]))
        self._buffer = b""
        return requests

    def pause(self) -> list[Request]:
        self._buffer = b""
        return []


class Itech:
    latency_s = 0.027  # one frame at 9600 baud
    CODE: ClassVar[bytes] = b"8514C"
    POWER_MAX_W: ClassVar[float] = 1_500.0

    def __init__(self, serial_number: str, *, world: World, faults: Switchboard) -> None:
        self._serial_number = serial_number
        self._world = world
        self._faults = faults
        faults.watch(self._touched)
        self._is_remote = False
        self._mode = "CC"
        self._function, self._lowest_mv, self._seconds, self._is_timed = FIXED, 0, 0, False
        self._obeys: dict[int, Callable[[bytes], None]] = {
            INPUT: self._switch,
            MODE: self._set_mode,
            LOWEST: self._set_lowest,
            FUNCTION: self._set_function,
            TIMER: self._set_timer,
            TIMED: self._set_timed,
            0x55: lambda data: None,  # local key
            0x56: lambda data: None,  # remote sense
        } | {command: partial(self._set_level, command) for command in LEVELS}
        self._tells: dict[int, Callable[[Seen], bytes]] = {
            GET_LIMITS: lambda seen: struct.pack("<IIIIIH", *self._limits()),
            MODE + 1: lambda seen: bytes((MODES.index(self._mode),)),
            LOWEST + 1: lambda seen: struct.pack("<I", self._lowest_mv),
            TIMER + 1: lambda seen: struct.pack("<H", self._seconds),
            TIMED + 1: lambda seen: bytes((self._is_timed,)),
            FUNCTION + 1: lambda seen: bytes((self._function,)),
            STATE: self._state,
            PRODUCT: lambda seen: (
                self.CODE + b"\x12\x01" + self._serial_number.encode().ljust(10, b"\0")
            ),
        } | {command + 1: partial(self._level, command) for command in LEVELS}

    def framing(self) -> Frames:
        return Frames()

    def measures(self, request: Request) -> bool:
        return request[0] == STATE

    def answer(self, request: Request) -> bytes:
        command, data = request
        if command in self._tells:
            return frame(command, self._tells[command](self._world.see()))
        return frame(STATUS, bytes((self._obeyed(command, data),)))

    def _touched(self, role: str, fault: str) -> None:
        """Hands on its panel or its plug, as a fault begins."""
        if role != "load":
            return
        if self._fault.dark:
            self._world.switch_load(on=False)
            self._is_remote = False
            self._mode = "CC"
            self._function, self._lowest_mv, self._seconds, self._is_timed = FIXED, 0, 0, False
            self._world.adjust_load(lambda sink: Sink())
        now = self._fault
        self._world.adjust_load(
            lambda sink: replace(sink, excess_a=now.excess_a, excess_v=now.excess_v)
        )
        if self._fault.knob:
            level, by = self._fault.knob
            turned: dict[str, Any] = {level: getattr(self._world.see().sink, level) + by}
            self._world.adjust_load(lambda sink: replace(sink, **turned))
        if self._fault.key_on:
            self._world.switch_load(on=True)

    @property
    def _fault(self) -> Fault:
        return self._faults.of("load")

    def _obeyed(self, command: int, data: bytes) -> int:
        if command == 0:
            return BAD_SUM
        if command == REMOTE:
            self._is_remote = bool(data[0]) and not self._fault.keeps_local
            return DONE if self._is_remote == bool(data[0]) else CANNOT
        if command not in self._obeys:
            return UNKNOWN
        if not self._is_remote or self._fault.keeps_local:
            return CANNOT
        self._world.note("set", instrument="load", command=command, data=data.hex())
        try:
            self._obeys[command](data)
        except ValueError:
            return BAD_VALUE
        return DONE

    def _limits(self) -> tuple[int, ...]:
        """A/10000, mV, mV, mW, mohm, mohm."""
        return (2_400_000, 120_000, 100, round(1000 * self.POWER_MAX_W), 7_500_000, 50)

    def _switch(self, data: bytes) -> None:
        if data[0] or not self._fault.holds_output:
            self._world.switch_load(on=data[0] != 0)

    def _set_mode(self, data: bytes) -> None:
        if data[0] >= len(MODES):
            raise ValueError("no such mode")
        self._mode = MODES[data[0]]
        self._world.adjust_load(self._with_ends)

    def _set_level(self, command: int, data: bytes) -> None:
        name, per_unit, most = LEVELS[command]
        value = int.from_bytes(data[:4], "little") / per_unit
        if value > (self.POWER_MAX_W if command == POWER else most):
            raise ValueError(f"beyond {most}")
        change = {name: value * self._unit(name)}
        asked = replace(self._world.see().sink, **change)  # type: ignore[arg-type]
        shown_a = asked.current_a / self._unit("current_a")
        if command in (MOST, LEVEL) and shown_a > asked.current_max_a:
            raise ValueError("a current above the most that is allowed")
        self._world.adjust_load(lambda sink: replace(sink, **change))  # type: ignore[arg-type]

    def _level(self, command: int, seen: Seen) -> bytes:
        name, per_unit, _ = LEVELS[command]
        return struct.pack("<I", round(getattr(seen.sink, name) * per_unit / self._unit(name)))

    def _unit(self, level: str) -> float:
        """What one of its amps truly is, 1 of all else."""
        return self._fault.amps_count if level == "current_a" else 1.0

    def _set_lowest(self, data: bytes) -> None:
        self._lowest_mv = int.from_bytes(data[:4], "little")
        self._world.adjust_load(self._with_ends)

    def _set_function(self, data: bytes) -> None:
        if data[0] not in (FIXED, BATTERY_TEST):
            raise ValueError("this one has no short, transient or list")
        self._function = data[0]
        self._world.adjust_load(self._with_ends)

    def _set_timer(self, data: bytes) -> None:
        self._seconds = int.from_bytes(data[:2], "little")
        self._world.adjust_load(self._with_ends)

    def _set_timed(self, data: bytes) -> None:
        self._is_timed = data[0] != 0
        self._world.adjust_load(self._with_ends)

    def _with_ends(self, sink: Sink) -> Sink:
        tests = self._function == BATTERY_TEST
        return replace(
            sink,
            mode="CC" if tests else self._mode,
            cutoff_v=self._lowest_mv / 1000 if tests else 0.0,
            duration_s=float(self._seconds) if self._is_timed else math.inf,
        )

    def _state(self, seen: Seen) -> bytes:
        shown_v = self._faults.shown("load", 0, seen.battery_v, seen.at_s)
        measured = self._faults.measured(
            "load",
            "input",
            current_flows=seen.current_flows,
            fresh=lambda: (
                f"{round(shown_v * 1000)} {round(seen.drawn_a / self._fault.amps_count * 10_000)}"
            ),
        )
        millivolts, tenths = map(int, measured.split())
        is_on = seen.sink.on and not self._fault.hides_output
        operation = (self._is_remote << 2) | (is_on << 3) | (self._is_timed << 6)
        demand = int(millivolts < 0) | (is_on << 6 + MODES.index(seen.sink.mode))
        milliwatts = abs(millivolts) * tenths // 10_000
        return struct.pack("<IIIBH", abs(millivolts), tenths, milliwatts, operation, demand)


class Bk(Itech):
    """The twin under another name, for less power."""

    CODE = b"8514\0"
    POWER_MAX_W = 1_200.0
