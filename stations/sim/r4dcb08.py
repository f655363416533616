"""A simulated R4DCB08 logger: a DS18B20 on each of the first eight cells.

Source: acpiccolo/R4DCB08-Temperature-Collector `src/protocol.rs`.  A channel without a probe
reads 8000; the box also answers, as itself, to the address FF.  It never reports by itself here,
whatever its report time is, and keeps its address.
"""

from __future__ import annotations

from stations.sim import rtu
from stations.sim.faults import Switchboard
from stations.sim.world import World

ANYONE = 0xFF
CHANNELS = 8
TEMPERATURES, CORRECTIONS, REPORT, ADDRESS, BAUD = 0x00, 0x08, 0xFD, 0xFE, 0xFF
SETTINGS = (*range(CORRECTIONS, CORRECTIONS + CHANNELS), REPORT)
NO_PROBE = 0x8000
LOST = "-"  # instead of the tenths of a probe that came off
BAUD_9600 = 3


class Logger:
    latency_s = 0.05

    def __init__(self, serial_number: str, *, world: World, faults: Switchboard) -> None:
        """`serial_number` is its bus address."""
        self._unit = int(serial_number)
        self._world = world
        self._faults = faults
        self._registers = dict.fromkeys(SETTINGS, 0)
        self._registers |= {ADDRESS: self._unit, BAUD: BAUD_9600}

    def framing(self) -> rtu.Deframer:
        return rtu.Deframer(self._unit, ANYONE)

    def measures(self, request: rtu.Request) -> bool:
        return request.function == rtu.READ and request.address < CHANNELS

    def answer(self, request: rtu.Request) -> bytes:
        if request.function not in (rtu.READ, rtu.WRITE_ONE):
            return rtu.exception_answer(self._unit, request.function, rtu.ILLEGAL_FUNCTION)
        registers = self._temperatures() | self._registers
        asked = range(request.address, request.address + request.count)
        if request.function == rtu.READ and all(register in registers for register in asked):
            return rtu.read_answer(self._unit, tuple(registers[register] for register in asked))
        if request.function == rtu.WRITE_ONE and request.address in SETTINGS:
            self._registers[request.address] = request.values[0]
            return rtu.write_answer(self._unit, request)
        return rtu.exception_answer(self._unit, request.function, rtu.ILLEGAL_ADDRESS)

    def _temperatures(self) -> dict[int, int]:
        seen = self._world.see()
        text = self._faults.measured(
            "thermometer",
            "probes",
            current_flows=seen.current_flows,
            fresh=lambda: " ".join(
                str(round(10 * self._faults.felt("thermometer", celsius, seen.at_s)))
                for celsius in seen.temperatures_c
            ),
        )
        registers = dict.fromkeys(range(CHANNELS), NO_PROBE)
        for channel, tenths in enumerate(text.split()[:CHANNELS]):
            if tenths != LOST:
                corrected = int(tenths) + self._registers[CORRECTIONS + channel]
                registers[channel] = corrected & 0xFFFF
        return registers
