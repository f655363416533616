"""A simulated Riden RD6018: its registers, scales and habits.

Source: the register map of ShayBox/Riden (riden/register.py) and Baldanos/rd6006 (registers.md);
the maker publishes none.  Habits: some firmware leaves reads of more than 20 registers
unanswered; a level set above its own protection trips at once; a trip switches off and stays in
register 16 until the output is switched on again; the calibration registers ignore writes here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from stations.sim import rtu
from stations.sim.faults import Switchboard
from stations.sim.output import Output
from stations.sim.world import Seen, World

MODEL_ID = 60181
FIRMWARE = 128  # 1.28
PER_VOLT = PER_AMP = PER_WATT = 100
VOLTAGE_MAX, CURRENT_MAX = 60 * PER_VOLT, 18 * PER_AMP
OVP_DEFAULT, OCP_DEFAULT = 62 * PER_VOLT, int(18 * 1.02 * PER_AMP)
INPUT_VOLTAGE = 6520  # /100
REGISTERS = 120
LATENCY_S = 0.010  # process time: one transaction at 115200 baud and the panel's loop

V_SET, I_SET, V_OUT, I_OUT, POWER, INPUT = 8, 9, 10, 11, 12, 14
PROTECTION, REGULATION, OUTPUT, RECALL = 16, 17, 18, 19
BATTERY_MODE, BATTERY_V, CHARGE, ENERGY, DATE = 32, 33, 38, 40, 48
BOOT_POWER, M0 = 68, 80
STORED = frozenset((15, *range(66, 73), *range(84, 120)))
"""Registers that merely keep what is written; the panel's clock shows process time."""
TRIP_CODES = {"": 0, "OVP": 1, "OCP": 2}


@dataclass(frozen=True, slots=True)
class Flaws:
    """How far the unit is off: it shows `voltage_offset_v` more than the truth and
    `ammeter_zero_a` more than flows, and regulates by what it shows."""

    voltage_offset_v: float = 0.004
    ammeter_zero_a: float = 0.0
    boot_power: bool = False
    read_max: int = 20  # registers; longer reads stay unanswered


def factory_output(flaws: Flaws) -> Output:
    """The output stage as shipped: 5 V, 1 A, protections far above anything a cell bears."""
    return Output(
        voltage_v=5.0 - flaws.voltage_offset_v,
        current_a=1.0 - flaws.ammeter_zero_a,
        ovp_v=OVP_DEFAULT / PER_VOLT - flaws.voltage_offset_v,
        ocp_a=OCP_DEFAULT / PER_AMP - flaws.ammeter_zero_a,
    )


class Riden:
    """Answers requests; knows nothing of serial lines."""

    name = "supply"
    address = 1
    latency_s = LATENCY_S

    def __init__(
        self, serial_number: int, *, world: World, faults: Switchboard, flaws: Flaws
    ) -> None:
        self._world = world
        self._faults = faults
        self._flaws = flaws
        self._registers = [0] * REGISTERS
        self._registers[0:4] = MODEL_ID, serial_number >> 16, serial_number & 0xFFFF, FIRMWARE
        self._registers[4:8] = 0, 27, 0, 80  # inside: 27 degC, 80 degF
        self._registers[34:38] = 1, 191, 1, 312  # no probe: -191 degC, -312 degF
        self._registers[BOOT_POWER] = int(flaws.boot_power)
        self._registers[I_SET], self._registers[V_SET] = PER_AMP, 5 * PER_VOLT
        self._registers[M0 + 2 : M0 + 4] = OVP_DEFAULT, OCP_DEFAULT
        for preset in range(M0 + 4, REGISTERS, 4):
            self._registers[preset : preset + 4] = 5 * PER_VOLT, PER_AMP, OVP_DEFAULT, OCP_DEFAULT

    def answer(self, request: rtu.Request) -> bytes | None:
        """The frame that goes back; None where the unit says nothing."""
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
            self._write(register, value)
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
        measured = self._faults.measured(
            "supply",
            "output",
            current_flows=seen.current_flows,
            fresh=partial(self._measured, seen),
        )
        registers[V_OUT : POWER + 2] = map(int, measured.split())
        registers[INPUT] = INPUT_VOLTAGE
        registers[PROTECTION] = TRIP_CODES[seen.output.tripped]
        registers[REGULATION] = int(seen.regulation == "CC")
        registers[OUTPUT] = int(seen.output.on and not self._faults.of("supply").hides_output)
        registers[RECALL] = 0
        registers[BATTERY_MODE] = int(seen.battery_v > 0)
        registers[BATTERY_V] = _counts(seen.battery_v, PER_VOLT)
        registers[CHARGE : CHARGE + 2] = _words(seen.charge_ah * 1000)
        registers[ENERGY : ENERGY + 2] = _words(seen.energy_wh * 1000)
        registers[M0 : M0 + 2] = registers[V_SET], registers[I_SET]
        moment = datetime.fromtimestamp(seen.at_s, UTC)
        registers[DATE : DATE + 6] = moment.timetuple()[:6]

    def _measured(self, seen: Seen) -> str:
        """Volts, amps, and power in two words, in counts, as the panel shows them."""
        offset_v = self._flaws.voltage_offset_v if seen.output.on else 0.0
        volts = _counts(seen.terminal_v + offset_v, PER_VOLT)
        amps = _counts(seen.current_a + self._flaws.ammeter_zero_a, PER_AMP)
        high, low = _words(volts * amps / (PER_VOLT * PER_AMP) * PER_WATT)
        return f"{volts} {amps} {high} {low}"

    def _write(self, register: int, value: int) -> None:
        if register == OUTPUT:
            self._switch(on=value != 0)
        elif register == RECALL and 1 <= value <= 9:
            preset = self._registers[M0 + 4 * value : M0 + 4 * value + 4]
            for target, counts in zip((V_SET, I_SET, M0 + 2, M0 + 3), preset, strict=True):
                self._set_level(target, counts)
        elif register in (M0, M0 + 1):
            self._set_level(register - M0 + V_SET, value)
        elif register in (V_SET, I_SET, M0 + 2, M0 + 3):
            self._set_level(register, value)
        elif register in STORED:
            self._registers[register] = value

    def _switch(self, *, on: bool) -> None:
        if on or not self._faults.of("supply").holds_output:
            self._world.switch(on=on)

    def _set_level(self, register: int, counts: int) -> None:
        most = {V_SET: VOLTAGE_MAX, I_SET: CURRENT_MAX, M0 + 2: OVP_DEFAULT, M0 + 3: OCP_DEFAULT}
        if counts > most[register]:
            return  # acknowledged and not obeyed: only a read-back tells
        self._registers[register] = counts
        volts = counts / PER_VOLT - self._flaws.voltage_offset_v
        amps = max(0.0, counts / PER_AMP - self._flaws.ammeter_zero_a)
        changes = {
            V_SET: lambda output: replace(output, voltage_v=max(0.0, volts)),
            I_SET: lambda output: replace(output, current_a=amps),
            M0 + 2: lambda output: replace(output, ovp_v=volts),
            M0 + 3: lambda output: replace(output, ocp_a=amps),
        }
        self._world.adjust(changes[register])


def _counts(value: float, per_unit: int) -> int:
    return min(0xFFFF, max(0, round(value * per_unit)))


def _words(value: float) -> tuple[int, int]:
    whole = max(0, round(value))
    return whole >> 16 & 0xFFFF, whole & 0xFFFF
