"""Korad KA3005P supply (also RND 320-KA3005P): ASCII without any terminator, 9600 baud 8N1.

Commands and habits from sigrok `src/hardware/korad-kaxxxxp`, koradctl and pymeasure (issue 1404).
A reply ends by silence, and a command that comes too soon after another is dropped.  OVP and OCP
are switches that trip at the set-point itself, so this supply has no protection of its own and is
refused for a charge.  It has no watchdog, and a value beyond its rating is ignored in silence.
Older ones tell no serial number: bench.toml then says "none".
"""

from __future__ import annotations

import re

from stations.drivers.manners import Supply
from stations.drivers.protocols import BadReply, Refused, SupplyState
from stations.drivers.transport import SerialLink
from stations.values import Identity, Protection, Setpoint, SupplyRatings

BAUD = 9600
QUIET_S = 0.06  # ends a reply, and is the pause that the next command needs
CV, ON = 0, 6  # bits of STATUS?; the OVP and OCP bits differ between models and are not used

RATINGS = SupplyRatings(
    model="KA3005P",
    voltage_max_v=30.0,
    current_max_a=5.0,
    power_max_w=150.0,
    voltage_resolution_v=0.01,
    current_resolution_a=0.001,
    voltage_accuracy_v=0.038,  # 0.5 % + 20 mV, at 3.65 V; not a figure of the maker's
    has_watchdog=False,
    has_protection=False,
)

_IDENTITY = re.compile(
    rb"(?:KORAD|TENMA|VELLEMAN|RND 320-) ?([\w-]+?) ?V(\d\.\d+)(?: SN:(\w+))?[\0\x01\xbc]*\Z"
)
_VOLTS = re.compile(rb"(\d\d\.\d\d)\0?")
_AMPS = re.compile(rb"(\d\.\d\d\d)[^\d.]?")  # ISET1? is followed by a stray byte on many


class KoradKA3005P(Supply[SerialLink]):
    def __init__(self, path: str, *, timeout_s: float) -> None:
        super().__init__(SerialLink(path, BAUD, timeout_s), RATINGS, ovp_max_v=30, ocp_max_a=5)

    def _ask_identity(self) -> Identity:
        found = self._link.exchange(b"*IDN?", _IDENTITY.search, quiet_s=QUIET_S)
        model, firmware, serial = ((part or b"none").decode() for part in found.groups())
        return Identity("supply", model, serial, firmware)

    def _read(self) -> SupplyState:
        status = self._status()
        setpoint = Setpoint(self._number(b"VSET1?", _VOLTS), self._number(b"ISET1?", _AMPS))
        volts, amps = self._number(b"VOUT1?", _VOLTS), self._number(b"IOUT1?", _AMPS)
        return SupplyState(
            setpoint=setpoint,
            voltage_v=volts,
            current_a=amps,
            output_on=bool(status >> ON & 1),
            regulation="CV" if status >> CV & 1 else "CC",
            tripped="",  # it trips without a word
            raw=f"{status:02x} {volts:05.2f} {amps:5.3f}",
        )

    def _apply(self, setpoint: Setpoint) -> None:
        asked = f"{setpoint.voltage_v:05.2f}", f"{setpoint.current_a:5.3f}"
        self._link.tell(f"VSET1:{asked[0]}".encode(), quiet_s=QUIET_S)
        self._link.tell(f"ISET1:{asked[1]}".encode(), quiet_s=QUIET_S)
        kept = self._number(b"VSET1?", _VOLTS), self._number(b"ISET1?", _AMPS)
        if kept != (float(asked[0]), float(asked[1])):
            raise Refused(f"asked for {asked}, kept {kept}; take more time between commands")

    def _protect(self, protection: Protection) -> None:
        raise Refused("a KA3005P has no OVP and OCP levels of its own; charge with another supply")

    def _read_protection(self) -> Protection:
        raise Refused("a KA3005P has no OVP and OCP levels of its own")

    def _switch(self, on: bool) -> None:
        self._link.tell(b"OUT1" if on else b"OUT0", quiet_s=QUIET_S)
        if not on and self._status() >> ON & 1:
            raise Refused("the output stays on; switch it off at its panel")

    def _status(self) -> int:
        return self._link.exchange(b"STATUS?", _status_byte, quiet_s=QUIET_S)[0]

    def _number(self, question: bytes, pattern: re.Pattern[bytes]) -> float:
        def parsed(heard: bytes) -> float:
            if (match := pattern.fullmatch(heard)) is None:
                raise BadReply(f"no answer to {question!r}: {heard!r}; ask again")
            return float(match[1])

        return self._link.exchange(question, parsed, quiet_s=QUIET_S)


def _status_byte(heard: bytes) -> bytes:
    if heard[1:].strip(b"\0"):
        raise BadReply(f"not one status byte: {heard!r}; ask again")
    return heard
