"""Our drivers on pymodbus's server: registers that nobody of us interprets (F1)."""

from __future__ import annotations

import math

import pytest
from pymodbus.simulator import DataType, SimData, SimDevice

from stations.drivers.eletechsup_r4dcb08 import R4dcb08
from stations.drivers.protocols import WrongInstrument
from stations.drivers.registry import open_supply
from stations.drivers.waveshare_relay8 import WaveshareRelay8
from stations.values import Protection, Setpoint
from tests.stations.drivers.modbus_server import serving

PATIENT_S = 5.0
RIDEN = (60181, 0, 12345, 128, *[0] * 64, 1, *[0] * 51)  # boot power, 68, is on as it comes


def registers(first: int, *values: int) -> SimData:
    return SimData(first, values=list(values), datatype=DataType.REGISTERS)


def test_a_riden_is_set_up_switched_and_left_off() -> None:
    with serving([SimDevice(1, registers(0, *RIDEN))], 115_200) as port:
        supply = open_supply("riden_rd6018", port, timeout_s=PATIENT_S)
        supply.prepare()
        supply.protect(Protection(ovp_v=3.75, ocp_a=15.0))
        supply.apply(Setpoint(3.65, 14.4))
        supply.output(True)

        state = supply.read()
        supply.output(False)

        assert supply.identify().serial_number == "00012345"
        assert (state.setpoint, state.output_on) == (Setpoint(3.65, 14.4), True)
        assert supply.read_protection() == Protection(ovp_v=3.75, ocp_a=15.0)
        assert not supply.read().output_on
        supply.close()


def test_another_model_than_the_one_named_is_refused() -> None:
    """A tenfold mistake: the RD6006 counts amps ten times as fine."""
    with serving([SimDevice(1, registers(0, 60062, *RIDEN[1:]))], 115_200) as port:
        supply = open_supply("riden_rd6018", port, timeout_s=PATIENT_S)

        with pytest.raises(WrongInstrument, match="RD6006"):
            supply.prepare()

        supply.close()


def test_a_logger_tells_its_address_and_its_probes() -> None:
    probes = [234, 0xFFFB, 850, 0x8000, 251, 252, 253, 254]
    box = [registers(0, *probes), registers(0xFD, 7, 5)]
    line = [SimDevice(5, box), SimDevice(0xFF, registers(0xFD, 7, 5))]
    with serving(line, 9600) as port:
        logger = R4dcb08(port, timeout_s=PATIENT_S)
        logger.prepare()

        celsius = logger.measure().celsius

        assert logger.identify().serial_number == "005"
        assert celsius[:2] == (23.4, -0.5)
        assert all(math.isnan(value) for value in celsius[2:4])
        assert celsius[4:] == (25.1, 25.2, 25.3, 25.4)
        logger.close()


def test_a_relay_board_is_read_and_opened() -> None:
    coils = SimData(0, values=[True] + [False] * 7, datatype=DataType.BITS)
    none = SimData(0, values=0, datatype=DataType.REGISTERS)
    off = SimData(0, values=False, datatype=DataType.BITS)
    board = SimDevice(3, ([coils], [off], [registers(0x8000, 200)], [none]))
    with serving([board], 9600) as port:
        relays = WaveshareRelay8(port, address=3, timeout_s=PATIENT_S)
        relays.prepare()
        before = relays.read().closed
        relays.release(1)

        assert relays.identify().serial_number == "unit-3"
        assert (set(before), set(relays.read().closed)) == ({1}, set())
        relays.close()
