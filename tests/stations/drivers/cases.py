"""One transcript a driver for the sweep: how it wakes up, and one good read.

The frames and texts come from published register maps and manuals (named in each driver), not
from recordings of a device of our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stations.drivers import modbus
from stations.drivers.registry import DRIVERS
from stations.drivers.riden_rd60xx import MODELS, Model
from stations.values import Identity
from tests.stations.drivers.transcript import Pair, Player, frames, lines, on_pty, on_socket

CHANNELS = (103, 101, 104, 102)  # wired in another order than the scanner answers


@dataclass(frozen=True)
class Case:
    """`wake` is exchanged on each new connection, `read` asks for the numbers in `expected`."""

    key: str
    player: Callable[[list[Pair]], Player]
    identify: Pair
    identity: Identity
    wake: list[Pair]
    read: Pair
    expected: tuple[float, ...]
    numbers: Callable[[Any], tuple[float, ...]]
    end: bytes  # what ends a reply, if anything does

    def open(self, resource: str, *, timeout_s: float = 10.0) -> Any:
        channels = CHANNELS if DRIVERS[self.key].role == "scanner" else ()
        return DRIVERS[self.key].open(resource, channels=channels, timeout_s=timeout_s)


TRUEVOLT_IDENTITY = "Keysight Technologies,34461A,MY53200000,A.02.14-02.40-02.14-00.49-01-01"
TRUEVOLT_SETUP = lines(
    ("SYST:ERR?", '+0,"No error"'),
    ("CONF:VOLT:DC 10", ""),
    ("VOLT:DC:NPLC 1", ""),
    ("CONF?", '"VOLT +1.000000E+01,+3.000000E-06"'),
    ("SYST:ERR?", '+0,"No error"'),
)
DAQ_IDENTITY = "Agilent Technologies,34972A,MY49000001,1.17-1.12-02-02"
DAQ_SETUP = lines(
    ("SYST:ERR?", '+0,"No error"'),
    ("CONF:VOLT:DC 10,(@101,102,103,104)", ""),
    ("SENS:VOLT:DC:NPLC 1,(@101,102,103,104)", ""),
    ("FORM:READ:TIME OFF", ""),
    ("FORM:READ:CHAN OFF", ""),
    ("ROUT:SCAN (@101,102,103,104)", ""),
    ("ROUT:SCAN?", "#218(@101,102,103,104)"),
    ("SYST:ERR?", '+0,"No error"'),
)
DAQ_READING = "+3.29876E+00,+3.30012E+00,+3.64999E+00,-1.20000E-03"

RELAY_IDENTIFY, RELAY_READ = frames(
    ("01 03 80 00 00 01 AD CA", "01 03 02 00 C8 B9 D2"),
    ("01 01 00 00 00 08 3D CC", "01 01 01 05 91 8B"),
)
RIDEN_IDENTIFY = frames(("01 03 00 00 00 04 44 09", "01 03 08 EB 15 00 00 30 39 00 80 40 40"))[0]
RIDEN_READ = frames(
    (
        "01 03 00 08 00 0B 85 CF",
        "01 03 16 01 6D 07 08 01 4E 07 08 00 00 17 7C 19 78 00 00 00 00 00 01 00 01 3E A0",
    )
)[0]


def answer(request: bytes, *values: int) -> bytes:
    """The reply with `values` to a read request; frames themselves are tested in test_modbus."""
    body = request[:2] + bytes((2 * len(values),)) + b"".join(v.to_bytes(2, "big") for v in values)
    return body + modbus.crc16(body).to_bytes(2, "little")


def coils_answer(request: bytes, coils: int) -> bytes:
    """The reply to a request for eight coils, the first in the lowest bit."""
    body = request[:2] + bytes((1, coils))
    return body + modbus.crc16(body).to_bytes(2, "little")


def _riden(model: Model) -> Case:
    request = modbus.read_request(1, 0, 4)
    identify = Pair(request, answer(request, model.ids[0], 0, 12345, 128))
    read = modbus.read_request(1, 8, 11)
    per_volt, per_amp = model.per_volt, model.per_amp
    state = (3.65, 5.0, 3.34, 5.0)
    counts = [
        round(value * scale)
        for value, scale in zip(state, (per_volt, per_amp, per_volt, per_amp), strict=True)
    ]
    return Case(
        key=f"riden_{model.name.lower()}",
        player=on_pty,
        identify=identify,
        identity=Identity("supply", model.name, "00012345", "1.28"),
        wake=[identify],
        read=Pair(read, answer(read, *counts, 0, 1670, 6520, 0, 0, 1, 1)),
        expected=state,
        numbers=lambda driver: _state(driver.read()),
        end=b"",
    )


def _state(state: Any) -> tuple[float, ...]:
    setpoint = state.setpoint
    return (setpoint.voltage_v, setpoint.current_a, state.voltage_v, state.current_a)


def _scpi(key: str, idn: str, setup: list[Pair], reading: str, **facts: Any) -> Case:
    identify = lines(("*IDN?", idn))[0]
    return Case(
        key=key,
        player=on_socket,
        identify=identify,
        wake=[identify, *setup],
        read=lines(("READ?", reading))[0],
        numbers=lambda driver: driver.measure().volts,
        end=b"\n",
        **facts,
    )


CASES = [
    *(_riden(model) for model in MODELS),
    _scpi(
        "keysight_34461a",
        TRUEVOLT_IDENTITY,
        TRUEVOLT_SETUP,
        "+3.29876543E+00",
        identity=Identity("meter", "34461A", "MY53200000", "A.02.14-02.40-02.14-00.49-01-01"),
        expected=(3.29877,),
    ),
    _scpi(
        "keysight_34972a",
        DAQ_IDENTITY,
        DAQ_SETUP,
        DAQ_READING,
        identity=Identity("scanner", "34972A", "MY49000001", "1.17-1.12-02-02"),
        expected=(3.64999, 3.29876, -0.0012, 3.30012),
    ),
    Case(
        key="waveshare_relay8",
        player=on_pty,
        identify=RELAY_IDENTIFY,
        identity=Identity("relay", "Relay8", "unit-1", "2.00"),
        wake=[RELAY_IDENTIFY],
        read=RELAY_READ,
        expected=(1.0, 3.0),
        numbers=lambda driver: tuple(float(n) for n in sorted(driver.read().closed)),
        end=b"",
    ),
]
