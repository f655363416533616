"""One transcript a driver for the sweep: how it wakes up, and one good read.

The frames and texts come from published register maps and manuals (named in each driver), not
from recordings of a device of our own.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

from stations.drivers import modbus
from stations.drivers.itech_it8500 import frame
from stations.drivers.riden_rd60xx import MODELS, Model
from stations.values import Cutoff, Identity
from tests.stations.drivers.case import Case, answer
from tests.stations.drivers.transcript import Pair, frames, lines, on_pty, on_socket


def _supply_numbers(supply: Any) -> tuple[float, ...]:
    state = supply.read()
    setpoint = state.setpoint
    return (setpoint.voltage_v, setpoint.current_a, state.voltage_v, state.current_a)


# Riden

RIDEN_IDENTIFY = frames(("01 03 00 00 00 04 44 09", "01 03 08 EB 15 00 00 30 39 00 80 40 40"))[0]
RIDEN_READ = frames(
    (
        "01 03 00 08 00 0B 85 CF",
        "01 03 16 01 6D 07 08 01 4E 07 08 00 00 17 7C 19 78 00 00 00 00 00 01 00 01 3E A0",
    )
)[0]
RIDEN_ON = frames(("01 06 00 12 00 01 E8 0F", "01 06 00 12 00 01 E8 0F"))
RIDEN_OFF = frames(("01 06 00 12 00 00 29 CF", "01 06 00 12 00 00 29 CF"))


def longer(pair: Pair, turn: int) -> Pair:
    """The `turn`-th read of a Riden's state: so many more registers, which hold 0."""
    count = 11 + turn % 8
    request = modbus.read_request(1, 8, count)
    if len(pair.answered) != 27 or modbus.crc16(pair.answered) != 0:
        return replace(pair, sent=request)  # damaged: nothing to make longer
    values = struct.unpack(">11H", pair.answered[3:-2])
    return replace(pair, sent=request, answered=answer(request, *values, *[0] * (count - 11)))


def _riden(model: Model) -> Case:
    request = modbus.read_request(1, 0, 4)
    other_model = next(other for other in MODELS if other != model)
    read = modbus.read_request(1, 8, 11)
    state = (3.65, 5.0, 3.34, 5.0)
    scales = (model.per_volt, model.per_amp, model.per_volt, model.per_amp)
    counts = [round(value * scale) for value, scale in zip(state, scales, strict=True)]
    return Case(
        key=f"riden_{model.name.lower()}",
        player=on_pty,
        meet=[Pair(request, answer(request, model.ids[0], 0, 12345, 128))],
        identity=Identity("supply", model.name, "00012345", "1.28"),
        read=Pair(read, answer(read, *counts, 0, 1670, 6520, 0, 0, 1, 1), turned=longer),
        expected=state,
        numbers=_supply_numbers,
        other=answer(read, *range(8), 0, 0, 0),
        namesake=answer(request, model.ids[0], 0, 54321, 128),
        stranger=answer(request, other_model.ids[0], 0, 12345, 128),
        on=RIDEN_ON,
        off=RIDEN_OFF,
        stands_for_family=model.name == "RD6018",
    )


# EA

EA_IDENTITY = "EA Elektro-Automatik,PS 9080-60 T,2050130042,V3.06 14.05.2019 V2.25 04.06.2019,"
NO_ALARM = lines(("STAT:QUES:COND?", "0"), ("STAT:QUES:EVEN?", "0"))
EA_OK = ("SYST:ERR?", '0,"No error"')
EA_REMOTE = [*NO_ALARM, *lines(EA_OK, ("SYST:LOCK ON", ""), ("SYST:LOCK:OWN?", "REMOTE"))]
EA_READING = "52.80 V, 40.0 A, 2112 W"


def _ea(model: str, *, stands_for_family: bool) -> Case:
    identity = EA_IDENTITY.replace("PS 9080-60 T", model)
    return Case(
        key=f"ea_{model}".lower().replace(" ", "_").replace("-", "_"),
        player=on_socket,
        meet=lines(("*IDN?", identity)),
        identity=Identity("supply", model, "2050130042", "V3.06 14.05.2019 V2.25 04.06.2019"),
        before=[*NO_ALARM, *lines(("STAT:OPER:COND?", "512"))],
        read=lines(("MEAS:ARR?", EA_READING))[0],
        after=lines(("VOLT?", "58.40V"), ("CURR?", "40.0A"), ("OUTP?", "ON")),
        expected=(58.4, 40.0, 52.8, 40.0),
        numbers=_supply_numbers,
        other=b"26.40 V, 20.0 A, 528 W\n",
        namesake=identity.replace("0042", "0043").encode() + b"\n",
        stranger=b"EA Elektro-Automatik,PS 9200-25 T,2050130042,V3.06,\n",
        on=[*EA_REMOTE, *lines(("OUTP ON", "")), *NO_ALARM, *lines(EA_OK)],
        off=lines(("SYST:LOCK ON", ""), ("OUTP OFF", ""), ("OUTP?", "OFF")),
        release=lines(("SYST:LOCK OFF", "")),
        end=b"\n",
        stands_for_family=stands_for_family,
    )


# Korad

KORAD = Case(
    key="korad_ka3005p",
    player=on_pty,
    meet=[Pair(b"*IDN?", b"KORAD KA3005P V5.8 SN:00012345")],
    identity=Identity("supply", "KA3005P", "00012345", "5.8"),
    before=[Pair(b"STATUS?", b"\x51"), Pair(b"VSET1?", b"03.65"), Pair(b"ISET1?", b"2.000\x01")],
    read=Pair(b"VOUT1?", b"03.34"),
    after=[Pair(b"IOUT1?", b"1.998")],
    expected=(3.65, 2.0, 3.34, 1.998),
    numbers=_supply_numbers,
    other=b"03.43",
    namesake=b"KORAD KA3005P V5.8 SN:00054321",
    stranger=b"KORAD KA6005P V5.8 SN:00012345",
    on=[Pair(b"OUT1")],
    off=[Pair(b"OUT0"), Pair(b"STATUS?", b"\x11")],
)


# Keysight

TRUEVOLT_IDENTITY = "Keysight Technologies,34461A,MY53200000,A.02.14-02.40-02.14-00.49-01-01"
TRUEVOLT_SETUP = lines(
    ("SYST:ERR?", '+0,"No error"'),
    ("CONF:VOLT:DC 10", ""),
    ("VOLT:DC:NPLC 1", ""),
    ("CONF?", '"VOLT +1.000000E+01,+3.000000E-06"'),
    ("SYST:ERR?", '+0,"No error"'),
)
TRUEVOLT_SETUP_100V = [
    replace(
        pair,
        sent=pair.sent.replace(b"DC 10", b"DC 100"),
        answered=pair.answered.replace(b"E+01", b"E+02").replace(b"E-06", b"E-05"),
    )
    for pair in TRUEVOLT_SETUP
]
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


def numbered(pair: Pair, turn: int) -> Pair:
    """The `turn`-th READ? with its number, which comes back with the answer."""
    number = b"%d;" % (turn + 1)
    return replace(
        pair,
        sent=b"*ESE " + number + b"*ESE?;:" + pair.sent,
        answered=number + pair.answered if pair.answered else b"",
        late=number + pair.late if pair.late else b"",
    )


def reading(line: str) -> Pair:
    return replace(lines(("READ?", line))[0], turned=numbered)


def _voltmeter(key: str, idn: str, setup: list[Pair], said: str, **facts: Any) -> Case:
    return Case(
        key=key,
        player=on_socket,
        meet=lines(("*IDN?", idn)),
        setup=setup,
        read=reading(said),
        numbers=lambda driver: driver.measure().volts,
        other=said.replace("3.", "2.").encode() + b"\n",
        namesake=idn.replace(",MY", ",US").encode() + b"\n",
        end=b"\n",
        **facts,
    )


# ITECH

LOAD_PRODUCT = b"8514C\x12\x01" + b"8000123456"
LOAD_READ = Pair(
    frame(0x5F),
    frame(0x5F, bytes.fromhex("81 0C 00 00 6C 1A 06 00 22 F4 01 00 0C 40 00")),
)
LOAD_LEVEL = Pair(frame(0x2B), frame(0x2B, bytes.fromhex("80 1A 06 00")))
DONE = frame(0x12, b"\x80")
LOAD_OFF = [Pair(frame(0x20, b"\x01"), DONE), Pair(frame(0x21, b"\x00"), DONE)]
LOAD_ARMED = [  # 2.500 V or three hours
    Pair(frame(0x4E, bytes.fromhex("C4 09 00 00")), DONE),
    Pair(frame(0x5D, b"\x04"), DONE),
    Pair(frame(0x50, bytes.fromhex("30 2A")), DONE),
    Pair(frame(0x52, b"\x01"), DONE),
    Pair(frame(0x5E), frame(0x5E, b"\x04")),
    Pair(frame(0x4F), frame(0x4F, bytes.fromhex("C4 09 00 00"))),
    Pair(frame(0x51), frame(0x51, bytes.fromhex("30 2A"))),
    Pair(frame(0x53), frame(0x53, b"\x01")),
]
ENDS = Cutoff(voltage_v=2.5, duration_s=10_800.0)


def _energise_load(load: Any) -> None:
    load.protect(ENDS)
    load.output(True)


def _load_numbers(load: Any) -> tuple[float, ...]:
    state = load.read()
    return (state.level_a, state.voltage_v, state.drawn_a)


def _load(key: str, model: str, *, stands_for_family: bool) -> Case:
    return Case(
        key=key,
        player=on_pty,
        meet=[Pair(frame(0x6A), frame(0x6A, LOAD_PRODUCT))],
        identity=Identity("load", model, "8000123456", "1.12"),
        read=LOAD_READ,
        after=[LOAD_LEVEL],
        expected=(40.0, 3.201, 39.998),
        numbers=_load_numbers,
        other=frame(0x5F, bytes.fromhex("C4 09 00 00 00 00 00 00 00 00 00 00 04 00 00")),
        namesake=frame(0x6A, LOAD_PRODUCT.replace(b"123456", b"654321")),
        stranger=frame(0x6A, LOAD_PRODUCT.replace(b"8514C", b"8512C")),
        on=[*LOAD_ARMED, LOAD_OFF[0], Pair(frame(0x21, b"\x01"), DONE)],
        off=LOAD_OFF,
        energise=_energise_load,
        stands_for_family=stands_for_family,
    )


# JBD

JBD_NAME = "JBD-SP16S020-0042"
JBD_BASIC = frames(
    (
        "DD A5 03 00 FF FD 77",
        "DD 03 00 1B 14 A0 F0 60 46 50 4E 20 00 0C 35 75 00 00 00 00 00 00 20 5A 03 10 02"
        "0B A5 0B 9F FA 3E 77",
    )
)[0]
CELL_MV = range(3300, 3316)


def jbd_reply(register: int, data: bytes) -> bytes:
    body = bytes((0, len(data))) + data
    return bytes((0xDD, register)) + body + (0x10000 - sum(body)).to_bytes(2, "big") + b"\x77"


def _cells(millivolts: range) -> bytes:
    return jbd_reply(0x04, b"".join(mv.to_bytes(2, "big") for mv in millivolts))


def _bms_numbers(bms: Any) -> tuple[float, ...]:
    state = bms.read()
    return (*state.cell_volts, state.pack_voltage_v, state.current_a, *state.temperatures_c)


JBD_NAMED = Pair(bytes.fromhex("DD A5 05 00 FF FB 77"), jbd_reply(0x05, JBD_NAME.encode()))
JBD = Case(
    key="jbd_bms",
    player=on_pty,
    meet=[JBD_NAMED, JBD_BASIC],
    identity=Identity("bms", "JBD BMS", JBD_NAME, "2.0"),
    before=[JBD_BASIC],
    read=Pair(bytes.fromhex("DD A5 04 00 FF FC 77"), _cells(CELL_MV)),
    expected=(*(mv / 1000 for mv in CELL_MV), 52.8, -40.0, 25.0, 24.4),
    numbers=_bms_numbers,
    other=_cells(range(3200, 3216)),
    namesake=jbd_reply(0x05, b"JBD-SP16S020-0043"),
    tries=4,
)


# Waveshare

RELAY_IDENTIFY, RELAY_READ = frames(
    ("01 03 80 00 00 01 AD CA", "01 03 02 00 C8 B9 D2"),
    ("01 01 00 00 00 08 3D CC", "01 01 01 05 91 8B"),
)


def coils_answer(request: bytes, coils: int) -> bytes:
    """The reply to a request for eight coils, the first in the lowest bit."""
    body = request[:2] + bytes((1, coils))
    return body + modbus.crc16(body).to_bytes(2, "little")


RELAY = Case(
    key="waveshare_relay8",
    player=on_pty,
    meet=[RELAY_IDENTIFY],
    identity=Identity("relay", "Relay8", "unit-1", "2.00"),
    read=RELAY_READ,
    expected=(1.0, 3.0),
    numbers=lambda driver: tuple(float(n) for n in sorted(driver.read().closed)),
    other=coils_answer(RELAY_READ.sent, 0xA0),
    namesake=answer(RELAY_IDENTIFY.sent, 201),
    stranger=answer(RELAY_IDENTIFY.sent, 100),  # an older protocol on the same board
)


# R4DCB08

LOGGER_READ = frames(
    (
        "01 03 00 00 00 08 44 0C",
        "01 03 10 00 E7 00 E4 FF E0 80 00 80 00 80 00 80 00 80 00 6B 68",
    )
)[0]
WHO = modbus.read_request(0xFF, 0xFE, 1)
LOGGER = Case(
    key="eletechsup_r4dcb08",
    player=on_pty,
    meet=[Pair(WHO, answer(WHO, 1))],
    identity=Identity("thermometer", "R4DCB08", "001", ""),
    read=LOGGER_READ,
    expected=(-3.2, 23.1, 22.8),
    numbers=lambda driver: driver.measure().celsius,
    other=answer(LOGGER_READ.sent, *range(8)),
    namesake=answer(WHO, 2),
)


CASES = [
    *(_riden(model) for model in MODELS),
    _ea("PS 9080-60 T", stands_for_family=True),
    _ea("PSI 9080-60 T", stands_for_family=False),
    KORAD,
    _voltmeter(
        "keysight_34461a",
        TRUEVOLT_IDENTITY,
        TRUEVOLT_SETUP,
        "+3.29876543E+00",
        identity=Identity("meter", "34461A", "MY53200000", "A.02.14-02.40-02.14-00.49-01-01"),
        expected=(3.29877,),
        stranger=DAQ_IDENTITY.encode() + b"\n",
    ),
    _voltmeter(
        "keysight_34461a_100v",
        TRUEVOLT_IDENTITY,
        TRUEVOLT_SETUP_100V,
        "+3.39876543E+01",
        identity=Identity("meter", "34461A", "MY53200000", "A.02.14-02.40-02.14-00.49-01-01"),
        expected=(33.9877,),
        stranger=DAQ_IDENTITY.encode() + b"\n",
    ),
    _voltmeter(
        "keysight_34972a",
        DAQ_IDENTITY,
        DAQ_SETUP,
        DAQ_READING,
        identity=Identity("scanner", "34972A", "MY49000001", "1.17-1.12-02-02"),
        expected=(3.64999, 3.29876, -0.0012, 3.30012),
        stranger=TRUEVOLT_IDENTITY.encode() + b"\n",
    ),
    RELAY,
    _load("itech_it8514c", "IT8514C+", stands_for_family=True),
    _load("bk_8514", "8514", stands_for_family=False),
    JBD,
    LOGGER,
]
