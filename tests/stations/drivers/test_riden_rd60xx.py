"""The RD6018, frame by frame.

The frames follow the register map that ShayBox/Riden and Baldanos/rd6006 publish; they were
computed from it, not recorded from a supply of our own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.drivers import modbus
from stations.drivers.protocols import (
    BadReply,
    InstrumentSilent,
    OutOfRange,
    Refused,
    SupplyState,
    WrongInstrument,
)
from stations.drivers.riden_rd60xx import MODELS, RidenRD60xx, model_of
from stations.values import Protection, Setpoint
from tests.stations.drivers.case import answer
from tests.stations.drivers.cases import RIDEN_IDENTIFY, RIDEN_READ, longer
from tests.stations.drivers.transcript import Pair, frames, on_pty, playing

RD6018 = next(model for model in MODELS if model.name == "RD6018")
READ_BOOT_POWER = modbus.read_request(1, 68, 1)
BOOT_POWER_OFF = modbus.write_request(1, 68, 0)
OFF = bytes.fromhex("01 06 00 12 00 00 29 CF")


def supply(path: str, *, timeout_s: float = 10.0) -> RidenRD60xx:
    return RidenRD60xx(path, model=RD6018, timeout_s=timeout_s)


def read(start: int, *values: int) -> Pair:
    request = modbus.read_request(1, start, len(values))
    return Pair(request, answer(request, *values))


def state(*, at: int, value: int) -> Pair:
    """The published state with register 8 + `at` changed."""
    values = [365, 1800, 334, 1800, 0, 6012, 6520, 0, 0, 1, 1]
    values[at] = value
    return read(8, *values)


def test_reads_the_published_state() -> None:
    with playing(on_pty([RIDEN_IDENTIFY, RIDEN_READ])) as player:
        driver = supply(player.resource)

        assert driver.read() == SupplyState(
            setpoint=Setpoint(3.65, 18.0),
            voltage_v=3.34,
            current_a=18.0,
            output_on=True,
            regulation="CC",
            tripped="",
            raw=RIDEN_READ.answered.hex(" "),
        )

        driver.close()


def test_the_answer_to_the_question_before_is_no_reading() -> None:
    """Each read has another length than the seven before it."""
    second, third = longer(RIDEN_READ, 1), longer(RIDEN_READ, 2)
    late = Pair(second.sent, RIDEN_READ.answered)
    with playing(on_pty([RIDEN_IDENTIFY, RIDEN_READ, late, RIDEN_IDENTIFY, third])) as player:
        driver = supply(player.resource)
        driver.read()

        assert driver.read().raw == third.answered.hex(" ")

        driver.close()


def test_sets_and_reads_back_as_published() -> None:
    script = [
        RIDEN_IDENTIFY,
        *frames(
            ("01 06 00 52 01 77 69 AD", "01 06 00 52 01 77 69 AD"),
            ("01 06 00 53 07 1C 7A 22", "01 06 00 53 07 1C 7A 22"),
        ),
        read(82, 375, 1820),
        *frames(
            ("01 06 00 08 01 6D C8 75", "01 06 00 08 01 6D C8 75"),
            ("01 06 00 09 07 08 5A 3E", "01 06 00 09 07 08 5A 3E"),
        ),
        read(8, 365, 1800),
        read(82, 375, 1820),
        *frames(
            ("01 06 00 12 00 01 E8 0F", "01 06 00 12 00 01 E8 0F"),
            ("01 06 00 12 00 00 29 CF", "01 06 00 12 00 00 29 CF"),
        ),
    ]
    with playing(on_pty(script)) as player:
        driver = supply(player.resource)

        driver.protect(Protection(ovp_v=3.75, ocp_a=18.2))
        driver.apply(Setpoint(3.65, 18.0))
        assert driver.read_protection() == Protection(ovp_v=3.75, ocp_a=18.2)
        driver.output(True)
        driver.output(False)

        driver.close()


def test_a_value_that_is_not_kept_is_refused() -> None:
    volts, amps = modbus.write_request(1, 8, 365), modbus.write_request(1, 9, 500)
    script = [RIDEN_IDENTIFY, Pair(volts, volts), Pair(amps, amps), read(8, 365, 50)]
    with playing(on_pty(script)) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match="kept"):
            driver.apply(Setpoint(3.65, 5.0))

        driver.close()


def test_a_write_without_an_answer_is_never_repeated() -> None:
    with playing(on_pty([RIDEN_IDENTIFY, Pair(modbus.write_request(1, 8, 365))])) as player:
        driver = supply(player.resource, timeout_s=0.6)

        with pytest.raises(InstrumentSilent):
            driver.apply(Setpoint(3.65, 5.0))

        driver.close()


def test_off_goes_out_before_anything_else() -> None:
    with playing(on_pty([Pair(OFF, OFF), RIDEN_IDENTIFY, RIDEN_READ])) as player:
        driver = supply(player.resource)

        driver.output(False)
        driver.read()

        driver.close()


@pytest.mark.parametrize(
    ("at", "value"),
    [(8, 3), (9, 2), (10, 2), (2, 6601), (3, 1981)],
    ids=["trip", "mode", "output", "volts", "amps"],
)
def test_a_state_no_supply_can_be_in_is_no_reading(at: int, value: int) -> None:
    impossible = replace(state(at=at, value=value), turned=longer)
    with playing(on_pty([RIDEN_IDENTIFY, impossible, impossible])) as player:
        driver = supply(player.resource)

        with pytest.raises(BadReply):
            driver.read()

        driver.close()


@pytest.mark.parametrize(("value", "tripped"), [(0, ""), (1, "OVP"), (2, "OCP")])
def test_says_which_protection_tripped(value: int, tripped: str) -> None:
    with playing(on_pty([RIDEN_IDENTIFY, state(at=8, value=value)])) as player:
        driver = supply(player.resource)

        assert driver.read().tripped == tripped

        driver.close()


def test_prepare_leaves_boot_power_alone_when_it_is_off() -> None:
    with playing(on_pty([RIDEN_IDENTIFY, read(68, 0)])) as player:
        driver = supply(player.resource)
        driver.prepare()
        driver.close()


def test_prepare_switches_boot_power_off() -> None:
    script = [RIDEN_IDENTIFY, read(68, 1), Pair(BOOT_POWER_OFF, BOOT_POWER_OFF), read(68, 0)]
    with playing(on_pty(script)) as player:
        driver = supply(player.resource)
        driver.prepare()
        driver.close()


def test_prepare_refuses_boot_power_that_stays_on() -> None:
    script = [RIDEN_IDENTIFY, read(68, 1), Pair(BOOT_POWER_OFF, BOOT_POWER_OFF), read(68, 1)]
    with playing(on_pty(script)) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match="Boot Power"):
            driver.prepare()

        driver.close()


def test_no_other_program_can_hold_the_same_port() -> None:
    with playing(on_pty([RIDEN_IDENTIFY])) as player:
        first, second = supply(player.resource), supply(player.resource)
        first.identify()

        with pytest.raises(InstrumentSilent, match="who else holds it"):
            second.identify()

        first.close()
        second.close()


@pytest.mark.parametrize(
    ("protection", "name"),
    [
        (Protection(62.01, 5.0), "OVP"),
        (Protection(3.75, 18.37), "OCP"),
    ],
)
def test_protections_end_where_they_were_shipped(protection: Protection, name: str) -> None:
    with playing(on_pty([])) as player:
        driver = supply(player.resource)

        with pytest.raises(OutOfRange, match=name):
            driver.protect(protection)

        driver.close()


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        (60060, "RD6006"),
        (60065, "RD6006P"),
        (60121, "RD6012"),
        (60181, "RD6018"),
        (60241, "RD6024"),
        (60301, "RD6030"),
    ],
)
def test_knows_the_family_by_its_ids(model_id: int, name: str) -> None:
    assert model_of(model_id).name == name


@pytest.mark.parametrize("model_id", [0, 60059, 60066, 60125, 60129, 60190, 60300, 65535])
def test_an_unknown_id_is_refused_not_guessed(model_id: int) -> None:
    with pytest.raises(WrongInstrument, match=str(model_id)):
        model_of(model_id)
