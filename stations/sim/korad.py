"""A simulated Korad KA3005P: ASCII without terminators, and its habits.

Source: sigrok `src/hardware/korad-kaxxxxp`, koradctl, pymeasure issue 1404.  Habits: a command
that comes on the heels of another is dropped; ISET1? is followed by a stray byte; a value beyond
the rating is ignored in silence; OVP and OCP trip at the set-point itself, without a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from stations.sim.circuit import Seen
from stations.sim.faults import Switchboard
from stations.sim.output import Output
from stations.sim.supply import Flaws, SimulatedSupply
from stations.sim.world import World

MOST = {"voltage_v": 30.0, "current_a": 5.0}
CV, BEEP, OCP, ON, OVP = 0, 4, 5, 6, 7  # bits of STATUS?
SLACK_V, SLACK_A = 0.05, 1e-6  # OVP trips above its level, OCP at it

_COMMAND = re.compile(
    rb"\*IDN\?|[VI](?:SET|OUT)1\?|STATUS\?|(VSET1:\d{1,2}\.\d{1,2})|(ISET1:\d\.\d{1,3})"
    rb"|OUT[01]|O[VC]P[01]|BEEP[01]|(?:SAV|RCL)[1-5]"
)


@dataclass(frozen=True, slots=True)
class KoradOutput(Output):
    """`ovp_v` and `ocp_a` are infinite while those switches are off."""

    def trip(self, *, voltage_v: float, current_a: float) -> str:
        if self.on and voltage_v - self.drift_v > self.ovp_v + SLACK_V:
            return "OVP"
        return "OCP" if self.on and current_a >= self.ocp_a - SLACK_A else ""


class Commands:
    """Cuts commands out of a byte stream: one that fills the line, or what begins it."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def waiting(self) -> bool:
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        return self.pause() if _COMMAND.fullmatch(self._buffer) else []

    def pause(self) -> list[bytes]:
        """The first command; what came with it came too soon."""
        match, self._buffer = _COMMAND.match(self._buffer), b""
        return [match[0]] if match else []


class Korad(SimulatedSupply):
    FACTORY: ClassVar[Mapping[str, float]] = {
        "voltage_v": 5.0,
        "current_a": 1.0,
        "ovp_v": math.inf,
        "ocp_a": math.inf,
    }
    OUTPUT = KoradOutput
    PER_AMP = 1000
    latency_s = 0.018  # until the first byte of an answer

    def __init__(
        self, serial_number: str, *, world: World, faults: Switchboard, flaws: Flaws
    ) -> None:
        super().__init__(serial_number, world=world, faults=faults, flaws=flaws)
        self._levels = dict(self.FACTORY)
        self._memories: dict[bytes, tuple[float, float]] = {}
        self._beeps = True

    def framing(self) -> Commands:
        return Commands()

    def measures(self, command: bytes) -> bool:
        return command in (b"VOUT1?", b"IOUT1?")

    def answer(self, command: bytes) -> bytes | None:
        with self.one_at_a_time:
            if command.endswith(b"?"):
                return self._told(command)
            self._obey(command)
            return None

    def _told(self, question: bytes) -> bytes:
        seen = self._world.see()
        volts, amps = self._displayed(seen)
        answers = {
            b"*IDN?": f"KORAD KA3005P V5.8 SN:{self.serial_number}",
            b"VSET1?": f"{self._levels['voltage_v']:05.2f}",
            b"ISET1?": f"{self._levels['current_a']:5.3f}\0",
            b"VOUT1?": f"{volts / self.PER_VOLT:05.2f}",
            b"IOUT1?": f"{amps / self.PER_AMP:5.3f}",
        }
        return answers[question].encode() if question in answers else bytes((self._status(seen),))

    def _obey(self, command: bytes) -> None:
        name, last = command[:-1], command[-1:]
        if command.startswith((b"VSET1:", b"ISET1:")):
            level = "voltage_v" if command.startswith(b"V") else "current_a"
            value = float(command[6:])
            self._world.note("set", instrument="supply", level=level, value=value)
            if value <= MOST[level] and level not in self.fault.ignores:
                self._set(level, value)
        elif name == b"OUT":
            self._switch(on=last == b"1")
        elif name in (b"OVP", b"OCP"):
            threshold, level = {b"OVP": ("ovp_v", "voltage_v"), b"OCP": ("ocp_a", "current_a")}[
                name
            ]
            self._set(threshold, self._levels[level] if last == b"1" else math.inf)
        elif name == b"BEEP":
            self._beeps = last == b"1"
        elif name == b"SAV":
            self._memories[last] = self._levels["voltage_v"], self._levels["current_a"]
        elif last in self._memories:
            for level, value in zip(MOST, self._memories[last], strict=True):
                self._set(level, value)

    def _status(self, seen: Seen) -> int:
        bits = {
            CV: seen.regulation != "CC",
            BEEP: self._beeps,
            OCP: math.isfinite(self._levels["ocp_a"]),
            ON: self._is_on(seen),
            OVP: math.isfinite(self._levels["ovp_v"]),
        }
        return sum(1 << bit for bit, is_set in bits.items() if is_set)

    def _set(self, level: str, shown: float) -> None:
        self._levels[level] = shown
        self._regulate(level, shown)
        threshold = {"voltage_v": "ovp_v", "current_a": "ocp_a"}.get(level)
        if threshold and math.isfinite(self._levels[threshold]):
            self._set(threshold, shown)

    def _shown(self, level: str) -> float:
        return self._levels[level]

    @property
    def _comes_on(self) -> bool:
        return self._flaws.boot_power
