"""Other people's clients drive our simulators: nothing of ours but the simulator is on the wire.

rd6006, koradctl, minimalmodbus and pymodbus.  pybk8500 would drive the load, but what it imports
(bitflags) does not compile where warnings are errors, and pymeasure brings pandas and Qt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import koradctl
import minimalmodbus
import pytest
import rd6006
from pymodbus.client import ModbusSerialClient

from stations.sim.folder import Folder
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, inside
from tests.wait import wait_until

SPEED = 1.0


@contextmanager
def bench_with(path: Path, driver: str = "riden_rd6018") -> Iterator[Inside]:
    """One cell at half charge, its leads on."""
    folder = Folder(
        cells=[cell(soc=0.5)],
        supply_driver=driver,
        speed=SPEED,
        relay=True,
        more=("eletechsup_r4dcb08",),
        temperature_c=23.4,
    )
    with inside(path, folder) as bench:
        bench.hands.post("/links/on")
        yield bench


@contextmanager
def modbus(bench: Inside, role: str) -> Iterator[minimalmodbus.Instrument]:
    """minimalmodbus on unit 1 of a line at 9,600 baud."""
    instrument = minimalmodbus.Instrument(str(bench.path / f"{role}.tty"), 1)
    instrument.serial.baudrate = 9600
    instrument.serial.timeout = 2.0
    try:
        yield instrument
    finally:
        instrument.serial.close()


@contextmanager
def contactor_closed(bench: Inside) -> Iterator[None]:
    """By minimalmodbus, without which no current reaches the cell."""
    with modbus(bench, "relay") as board:
        board.write_bit(0, 1)
        assert board.read_bits(0, 8, functioncode=1) == [1, 0, 0, 0, 0, 0, 0, 0]
        yield
        board.write_bit(0, 0)


@pytest.mark.parametrize(
    ("driver", "set_a"), [("riden_rd6018", 4.0), ("riden_rd6006", 4.125), ("riden_rd6024", 4.0)]
)
def test_rd6006_charges_with_a_riden(tmp_path: Path, driver: str, set_a: float) -> None:
    with bench_with(tmp_path, driver) as bench, contactor_closed(bench):
        supply = rd6006.RD6006(str(bench.path / "supply.tty"))
        try:
            assert (supply.sn, supply.fw, supply.enable) == (12345, 1.28, 0)
            supply.voltage_protection, supply.current_protection = 3.75, 5.0
            supply.voltage, supply.current = 3.65, set_a
            supply.enable = True

            wait_until(lambda: supply.meascurrent == set_a)
            state = bench.hands.state()
            shown = supply.measvoltage
            supply.enable = False

            assert (supply.voltage, supply.current, supply.enable) == (3.65, set_a, 0)
            assert state["supply_current_a"] == pytest.approx(set_a)
            assert shown == pytest.approx(state["supply_voltage_v"], abs=0.02)
            assert [record["on"] for record in bench.truth("relay")] == [True, False]
        finally:
            supply.instrument.serial.close()


def test_rd6006_sees_a_trip(tmp_path: Path) -> None:
    with bench_with(tmp_path) as bench:
        supply = rd6006.RD6006(str(bench.path / "supply.tty"))
        try:
            supply.enable = True
            supply.voltage_protection = 3.0  # below the 5 V that it is shipped with

            assert (supply.enable, supply.ocpovp) == (0, 1)
        finally:
            supply.instrument.serial.close()


def test_koradctl_charges_with_a_korad(tmp_path: Path) -> None:
    with bench_with(tmp_path, "korad_ka3005p") as bench, contactor_closed(bench):
        port = koradctl.get_port(str(bench.path / "supply.tty"))
        try:
            supply = koradctl.PowerSupply(port)
            assert supply.get_identity().startswith("KORAD KA3005P")
            supply.set_voltage_setpoint(3.65)
            assert supply.get_voltage_setpoint().value == 3.65
            supply.set_current_setpoint(1.25)
            assert supply.get_current_setpoint().value == 1.25
            # Its pause is counted from too early, so a third command in a row would be dropped.
            supply.set_output_state(True)

            wait_until(lambda: supply.get_output_current().value == 1.25)
            volts = supply.get_output_voltage().value
            status = supply.get_status()
            state = bench.hands.state()
            supply.set_output_state(False)

            assert (status.output_enabled, status.cc_active) == (True, True)
            assert volts == pytest.approx(state["supply_voltage_v"], abs=0.02)
            assert not supply.get_output_state()
        finally:
            port.close()


def test_minimalmodbus_moves_the_contactor_and_is_refused_what_the_board_has_not(
    tmp_path: Path,
) -> None:
    with bench_with(tmp_path) as bench:
        with contactor_closed(bench):
            assert bench.hands.state()["contactor"] == "closed"
        with modbus(bench, "relay") as board:
            assert board.read_register(0x8000) == 200
            with pytest.raises(minimalmodbus.IllegalRequestError):
                board.read_register(0)

        assert [record["closed"] for record in bench.truth("contactor")] == [True, False]


def test_minimalmodbus_reads_the_logger(tmp_path: Path) -> None:
    with bench_with(tmp_path) as bench, modbus(bench, "thermometer") as logger:
        assert logger.read_register(0, number_of_decimals=1, signed=True) == 23.4
        assert logger.read_register(1) == 0x8000  # no probe


def test_pymodbus_writes_many_registers_of_a_riden_at_once(tmp_path: Path) -> None:
    with bench_with(tmp_path) as bench:
        client = ModbusSerialClient(str(bench.path / "supply.tty"), baudrate=115200, timeout=2)
        try:
            assert client.connect()
            assert not client.write_registers(8, [365, 400], device_id=1).isError()
            assert not client.write_registers(82, [375, 450], device_id=1).isError()

            assert client.read_holding_registers(8, count=2, device_id=1).registers == [365, 400]
            assert client.read_holding_registers(80, count=4, device_id=1).registers == [
                *(365, 400),
                *(375, 450),
            ]
            assert client.read_input_registers(8, count=2, device_id=1).isError()
        finally:
            client.close()  # type: ignore[no-untyped-call]
