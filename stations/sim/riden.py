"""A simulated Riden of the RD60xx family: its registers, scales and habits.

Source: the register map of ShayBox/Riden (riden/register.py) and Baldanos/rd6006 (registers.md);
the maker publishes none.  Habits: some firmware leaves reads of more than 20 registers
unanswered; a level set above its own protection trips at once; a trip switches off and stays in
register 16 until the output is switched on again; the calibration registers ignore writes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from stations.sim import rtu
from stations.sim.circuit import Seen
from stations.sim.faults import Switchboard
from stations.sim.supply import Flaws, SimulatedSupply
from stations.sim.world import World

FIRMWARE = 128  # 1.28
SLAVE = 1
PER_WATT = 100  # counts, also of the input's volts
MOST_V, OVP_MOST_V, OCP_FACTOR = 60.0, 62.0, 1.02
INPUT_VOLTAGE = 6520  # /100
REGISTERS = 120
LATENCY_S = 0.010  # process time: one transaction at 115200 baud and the panel's loop

V_SET, I_SET, V_OUT, I_OUT, POWER, INPUT = 8, 9, 10, 11, 12, 14
PROTECTION, REGULATION, OUTPUT, RECALL = 16, 17, 18, 19
BATTERY_MODE, BATTERY_V, CHARGE, ENERGY, DATE = 32, 33, 38, 40, 48
BOOT_POWER, M0 = 68, 80
LEVELS = {V_SET: "voltage_v", I_SET: "current_a", M0 + 2: "ovp_v", M0 + 3: "ocp_a"}
REGISTER_OF = {level: register for register, level in LEVELS.items()}
SHIPPED = {"voltage_v": 5.0, "current_a": 1.0, "ovp_v": OVP_MOST_V}  # far above any cell
STORED = frozenset((15, *range(66, 73), *range(84, 120)))
"""Registers that merely keep what is written; the panel's clock shows process time."""
TRIP_CODES = {"": 0, "OVP": 1, "OCP": 2}


class Riden(SimulatedSupply):
    """Answers requests; knows nothing of serial lines.  `model` makes the kinds of it."""

    MODEL_ID: ClassVar[int]
    MOST: ClassVar[Mapping[str, float]]
    latency_s = LATENCY_S

    def __init__(
        self, serial_number: str, *, world: World, faults: Switchboard, flaws: Flaws
    ) -> None:
        super().__init__(serial_number, world=world, faults=faults, flaws=flaws)
        self._registers = [0] * REGISTERS
        self._registers[4:8] = 0, 27, 0, 80  # inside: 27 degC, 80 degF
        self._registers[34:38] = 1, 191, 1, 312  # no probe: -191 degC, -312 degF
        self._registers[BOOT_POWER] = int(flaws.boot_power)
        for level, shown in self.FACTORY.items():
            self._registers[REGISTER_OF[level]] = self._counted(level, shown)
        shipped = [self._counted(level, self.FACTORY[level]) for level in LEVELS.values()]
        for preset in range(M0 + 4, REGISTERS, 4):
            self._registers[preset : preset + 4] = shipped

    def framing(self) -> rtu.Deframer:
        return rtu.Deframer(SLAVE)

    def answer(self, request: rtu.Request) -> bytes | None:
        """The frame that goes back; None where the unit says nothing."""
        with self.one_at_a_time:
            return self._answer(request)

    def _answer(self, request: rtu.Request) -> bytes | None:
        fault = self.fault
        if request.function not in (rtu.READ, rtu.WRITE_ONE, rtu.WRITE_MANY):
            return rtu.exception_answer(1, request.function, rtu.ILLEGAL_FUNCTION)
        if request.count < 1 or request.address + request.count > REGISTERS:
            return rtu.exception_answer(1, request.function, rtu.ILLEGAL_ADDRESS)
        if request.function == rtu.READ:
            return self._read(request) if request.count <= self._flaws.read_max else None
        if len(request.values) != request.count:
            return rtu.exception_answer(1, request.function, rtu.ILLEGAL_VALUE)
        for register, value in enumerate(request.values, request.address):
            self._world.note("set", instrument="supply", register=register, value=value)
            if LEVELS.get(register) not in fault.ignores:
                self._write(register, value)
        if fault.late_on_s and (request.address, request.values) == (OUTPUT, (1,)):
            return None
        return rtu.write_answer(1, request)

    def measures(self, request: rtu.Request) -> bool:
        """Whether the answer carries measured volts or amps."""
        last = request.address + request.count - 1
        return request.function == rtu.READ and request.address <= I_OUT and last >= V_OUT

    def _read(self, request: rtu.Request) -> bytes:
        self._refresh(self._world.see())
        chosen = self._registers[request.address : request.address + request.count]
        return rtu.read_answer(1, tuple(chosen))

    def _refresh(self, seen: Seen) -> None:
        registers = self._registers
        number = int(self.serial_number)
        registers[0:4] = self.MODEL_ID, number >> 16, number & 0xFFFF, FIRMWARE
        volts, amps = self._displayed(seen)
        registers[V_OUT : POWER + 2] = (
            volts,
            amps,
            *_words(volts / self.PER_VOLT * amps / self.PER_AMP * PER_WATT),
        )
        registers[INPUT] = INPUT_VOLTAGE
        registers[PROTECTION] = TRIP_CODES[seen.output.tripped]
        registers[REGULATION] = int(seen.regulation == "CC")
        registers[OUTPUT] = int(self._is_on(seen))
        registers[RECALL] = 0
        registers[BATTERY_MODE] = int(seen.battery_v > 0)
        registers[BATTERY_V] = max(0, round(seen.battery_v * self.PER_VOLT))
        registers[CHARGE : CHARGE + 2] = _words(seen.charge_ah * 1000)
        registers[ENERGY : ENERGY + 2] = _words(seen.energy_wh * 1000)
        registers[M0 : M0 + 2] = registers[V_SET], registers[I_SET]
        moment = datetime.fromtimestamp(seen.at_s, UTC)
        registers[DATE : DATE + 6] = moment.timetuple()[:6]

    def _write(self, register: int, value: int) -> None:
        if register == OUTPUT:
            self._switch(on=value != 0)
        elif register == RECALL and 1 <= value <= 9:
            preset = self._registers[M0 + 4 * value : M0 + 4 * value + 4]
            for target, counts in zip(LEVELS, preset, strict=True):
                self._set_level(target, counts)
        elif register in (M0, M0 + 1):
            self._set_level(register - M0 + V_SET, value)
        elif register in LEVELS:
            self._set_level(register, value)
        elif register in STORED:
            self._registers[register] = value

    def _set_level(self, register: int, counts: int) -> None:
        level = LEVELS[register]
        if counts > self._counted(level, self.MOST[level]):
            return  # acknowledged and not obeyed: only a read-back tells
        self._registers[register] = counts
        self._regulate(level, counts / self._per_unit(level))

    def _set(self, level: str, shown: float) -> None:
        self._set_level(REGISTER_OF[level], self._counted(level, shown))

    def _shown(self, level: str) -> float:
        return self._registers[REGISTER_OF[level]] / self._per_unit(level)

    def _per_unit(self, level: str) -> int:
        return self.PER_VOLT if level.endswith("_v") else self.PER_AMP

    def _counted(self, level: str, value: float) -> int:
        return round(value * self._per_unit(level))

    @property
    def _comes_on(self) -> bool:
        return self._registers[BOOT_POWER] != 0


def model(model_id: int, amps: float, *, per_volt: int = 100, per_amp: int = 100) -> type[Riden]:
    """The kind that reports `model_id` and counts so."""
    ocp_a = round(OCP_FACTOR * amps, 4)

    class Kind(Riden):
        MODEL_ID = model_id
        MOST: ClassVar[Mapping[str, float]] = {
            "voltage_v": MOST_V,
            "current_a": amps,
            "ovp_v": OVP_MOST_V,
            "ocp_a": ocp_a,
        }
        FACTORY: ClassVar[Mapping[str, float]] = SHIPPED | {"ocp_a": ocp_a}
        PER_VOLT = per_volt
        PER_AMP = per_amp

    return Kind


def _words(value: float) -> tuple[int, int]:
    whole = max(0, round(value))
    return whole >> 16 & 0xFFFF, whole & 0xFFFF
