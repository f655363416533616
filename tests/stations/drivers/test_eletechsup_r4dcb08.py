"""The R4DCB08 logger, frame by frame, from its published register map."""

from __future__ import annotations

import math

import pytest

from stations.drivers import modbus
from stations.drivers.eletechsup_r4dcb08 import R4dcb08
from stations.drivers.protocols import BadReply, OutOfRange, Refused
from tests.stations.drivers.case import answer
from tests.stations.drivers.cases import LOGGER, LOGGER_READ, WHO
from tests.stations.drivers.transcript import Pair, on_pty, playing

ASK_REPORT = modbus.read_request(1, 0xFD, 1)
QUIET = Pair(ASK_REPORT, answer(ASK_REPORT, 0))
TALKS = Pair(ASK_REPORT, answer(ASK_REPORT, 5))
HUSH = modbus.write_request(1, 0xFD, 0)


def logger(path: str, *channels: int) -> R4dcb08:
    return R4dcb08(path, channels=channels, timeout_s=10.0)


def test_reads_the_published_temperatures() -> None:
    with playing(on_pty([*LOGGER.wake, LOGGER_READ])) as player:
        driver = logger(player.resource)

        measured = driver.measure()

        assert measured.celsius[:3] == (23.1, 22.8, -3.2)
        assert len(measured.celsius) == 8
        assert all(math.isnan(missing) for missing in measured.celsius[3:])
        driver.close()


@pytest.mark.parametrize("register", [0x8000, 850, 1251, 0xFDD9])
def test_what_no_probe_can_mean_is_no_temperature(register: int) -> None:
    """No probe, a conversion that failed (it shows 85.0), and beyond -55..125."""
    odd = Pair(LOGGER_READ.sent, answer(LOGGER_READ.sent, register, *[231] * 7))
    with playing(on_pty([*LOGGER.wake, odd])) as player:
        driver = logger(player.resource, 1, 2)

        first, second = driver.measure().celsius

        assert math.isnan(first)
        assert second == 23.1
        driver.close()


@pytest.mark.parametrize(("unit", "address"), [(7, 7), (0xFF, 7)])
def test_finds_the_box_by_its_address(unit: int, address: int) -> None:
    said = answer(bytes((unit, 3)), address)
    read = modbus.read_request(7, 0, 8)
    with playing(on_pty([Pair(WHO, said), Pair(read, answer(read, *range(8)))])) as player:
        driver = logger(player.resource)

        assert driver.measure().celsius[7] == 0.7
        driver.close()


def test_a_box_that_contradicts_itself_is_none() -> None:
    said = Pair(WHO, answer(bytes((7, 3)), 9))
    with playing(on_pty([said, said])) as player:
        driver = logger(player.resource)

        with pytest.raises(BadReply, match="says it is 9"):
            driver.identify()

        driver.close()


def test_prepare_leaves_a_quiet_box_alone() -> None:
    with playing(on_pty([*LOGGER.wake, QUIET])) as player:
        driver = logger(player.resource)
        driver.prepare()
        driver.close()


def test_prepare_stops_it_from_reporting_unasked() -> None:
    with playing(on_pty([*LOGGER.wake, TALKS, Pair(HUSH, HUSH), QUIET])) as player:
        driver = logger(player.resource)
        driver.prepare()
        driver.close()


def test_prepare_refuses_a_box_that_goes_on_reporting() -> None:
    with playing(on_pty([*LOGGER.wake, TALKS, Pair(HUSH, HUSH), TALKS])) as player:
        driver = logger(player.resource)

        with pytest.raises(Refused, match="unasked"):
            driver.prepare()

        driver.close()


@pytest.mark.parametrize("channels", [(0,), (9,), (1, 1)])
def test_channels_it_does_not_have_are_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(OutOfRange, match=r"1\.\.8"):
        logger("/dev/null", *channels)
