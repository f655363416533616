"""The 34972A scanner, line by line.

The lines follow the 34970A/34972A command reference; they were not recorded from a scanner of
our own.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.drivers.keysight_34970 import Keysight34972A, scan_list
from stations.drivers.protocols import BadReply, OutOfRange, Refused
from tests.stations.drivers.case import CHANNELS
from tests.stations.drivers.cases import DAQ_IDENTITY, DAQ_SETUP, reading
from tests.stations.drivers.transcript import lines, on_socket, playing

AWAKE = [*lines(("*IDN?", DAQ_IDENTITY)), *DAQ_SETUP]
NO_ERROR = ("SYST:ERR?", '+0,"No error"')


def scanner(resource: str, channels: tuple[int, ...] = CHANNELS) -> Keysight34972A:
    return Keysight34972A(resource, channels=channels, timeout_s=10.0)


def test_values_come_back_in_the_order_of_the_bank() -> None:
    reply = "+1.01000E+00,+1.02000E+00,+1.03000E+00,+1.04000E+00"
    with playing(on_socket([*AWAKE, reading(reply)])) as player:
        driver = scanner(player.resource)

        measured = driver.measure()

        assert measured.volts == (1.03, 1.01, 1.04, 1.02)
        assert measured.raw == reply
        driver.close()


def test_an_overloaded_channel_is_nan_in_its_own_place() -> None:
    reply = "+1.01000E+00,+9.90000000E+37,+1.03000E+00,+1.04000E+00"
    with playing(on_socket([*AWAKE, reading(reply)])) as player:
        driver = scanner(player.resource)

        volts = driver.measure().volts

        assert volts[:3] == (1.03, 1.01, 1.04)
        assert math.isnan(volts[3])
        driver.close()


@pytest.mark.parametrize(
    "reply",
    [
        "+1.01000E+00,+1.02000E+00,+1.03000E+00",
        "+1.01000E+00,+1.02000E+00,+1.03000E+00,+1.04000E+00,+1.05000E+00",
        "+1.01000E+00,,+1.03000E+00,+1.04000E+00",
        "+1.01000E+00,+1.02000E+00,+1.03000E+00,",
        "+1.01000E+00, +1.02000E+00,+1.03000E+00,+1.04000E+00",
        "+1.01000E+00;+1.02000E+00,+1.03000E+00,+1.04000E+00",
        # timestamps left on: seven tokens a reading
        ",".join(["+1.01000E+00,2026,11,21,09,40,00.000"] * 4),
        # channel numbers left on
        "+1.01000E+00,101,+1.02000E+00,102,+1.03000E+00,103,+1.04000E+00,104",
        # a channel number in the place of a value
        "+1.01000E+00,101,+1.02000E+00,102",
    ],
)
def test_too_few_too_many_or_other_tokens_are_refused(reply: str) -> None:
    bad = [*AWAKE, reading(reply)]
    with playing(on_socket(bad * 2)) as player:
        driver = scanner(player.resource)

        with pytest.raises(BadReply):
            driver.measure()

        driver.close()


def test_prepare_refuses_another_scan_list() -> None:
    setup = [*DAQ_SETUP[:6], *lines(("ROUT:SCAN?", "#214(@101,102,103)"), NO_ERROR)]
    with playing(on_socket([*AWAKE[:1], *setup])) as player:
        driver = scanner(player.resource)

        with pytest.raises(Refused, match="will scan"):
            driver.prepare()

        driver.close()


def test_prepare_refuses_when_a_module_is_absent() -> None:
    failed = lines(
        ("ROUT:SCAN?", "#14(@)"),
        ("SYST:ERR?", '+111,"Channel list: slot number out of range"'),
        NO_ERROR,
    )
    with playing(on_socket([*AWAKE[:1], *DAQ_SETUP[:6], *failed])) as player:
        driver = scanner(player.resource)

        with pytest.raises(Refused, match="slot number"):
            driver.prepare()

        driver.close()


@pytest.mark.parametrize(
    ("block", "channels"),
    [
        ("#13(@)", ()),
        ("#14(@)", ()),
        ("#16(@101)", (101,)),
        ("#210(@101,102)", (101, 102)),
        ("#210(@101:103)", (101, 102, 103)),
    ],
)
def test_reads_a_scan_list(block: str, channels: tuple[int, ...]) -> None:
    assert scan_list(block) == channels


@pytest.mark.parametrize(
    "block",
    [
        "",
        "(@101,102)",
        "#0(@101)",
        "#15(@101)",
        "#17(@101)",
        "#2 6(@101)",
        "#1",
        "#3010(@101,102",
        "#210(@101,102)\n",
        "#210 @101,102 ",
        "#19(@101,,)",
        "#15(@99)",
        "#16101102",
    ],
)
def test_any_other_block_is_refused(block: str) -> None:
    with pytest.raises(BadReply):
        scan_list(block)


@given(channels=st.lists(st.integers(101, 120), unique=True, max_size=20))
def test_a_block_says_what_was_put_in(channels: list[int]) -> None:
    text = f"(@{','.join(map(str, channels))})"
    length = str(len(text))

    assert scan_list(f"#{len(length)}{length}{text}") == tuple(channels)


@pytest.mark.parametrize("channels", [(), (101, 101), (100,), (121,), (401,), (1,)])
def test_channels_that_no_card_has_are_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(OutOfRange):
        scanner("TCPIP0::127.0.0.1::9::SOCKET", channels)
