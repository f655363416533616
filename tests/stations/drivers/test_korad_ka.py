"""The KA3005P, byte by byte, from what public drivers measured on theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.drivers.korad_ka import KoradKA3005P
from stations.drivers.protocols import BadReply, InstrumentSilent, Refused
from stations.values import Protection, Setpoint
from tests.stations.drivers.cases import KORAD
from tests.stations.drivers.transcript import Pair, on_pty, playing


def supply(path: str, *, timeout_s: float = 10.0) -> KoradKA3005P:
    return KoradKA3005P(path, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("reply", "serial", "firmware"),
    [
        (b"KORADKA3005PV2.0", "none", "2.0"),
        (b"KORAD KA3005P V4.2\x01", "none", "4.2"),
        (b"RND 320-KA3005P V2.0\xbc", "none", "2.0"),
        (b"KORAD KA3005P V5.8 SN:12345678\x00\x00", "12345678", "5.8"),
    ],
)
def test_knows_its_spellings(reply: bytes, serial: str, firmware: str) -> None:
    with playing(on_pty([Pair(b"*IDN?", reply)])) as player:
        driver = supply(player.resource)

        seen = driver.identify()

        assert (seen.model, seen.serial_number, seen.firmware) == ("KA3005P", serial, firmware)
        driver.close()


@pytest.mark.parametrize(
    ("status", "output_on", "regulation"),
    [(0x51, True, "CV"), (0x11, False, "CV"), (0x70, True, "CC")],
)
def test_reads_the_status_byte(status: int, output_on: bool, regulation: str) -> None:
    said = replace(KORAD.before[0], answered=bytes((status,)))
    with playing(on_pty([*KORAD.wake, said, *KORAD.reading[1:]])) as player:
        driver = supply(player.resource)

        state = driver.read()

        assert (state.output_on, state.regulation) == (output_on, regulation)
        driver.close()


@pytest.mark.parametrize("stray", [b"", b"\x00", b"\x01", b"K"])
def test_a_stray_byte_after_the_set_current_is_passed_over(stray: bytes) -> None:
    said = replace(KORAD.before[2], answered=b"2.000" + stray)
    script = [*KORAD.wake, *KORAD.before[:2], said, KORAD.read, *KORAD.after]
    with playing(on_pty(script)) as player:
        driver = supply(player.resource)

        assert driver.read().setpoint.current_a == 2.0

        driver.close()


def test_sets_padded_values_and_reads_them_back() -> None:
    script = [
        *KORAD.wake,
        Pair(b"VSET1:03.65"),
        Pair(b"ISET1:2.000"),
        Pair(b"VSET1?", b"03.65"),
        Pair(b"ISET1?", b"2.000\x00"),
    ]
    with playing(on_pty(script)) as player:
        driver = supply(player.resource)
        driver.apply(Setpoint(3.65, 2.0))
        driver.close()


def test_a_command_that_was_dropped_is_noticed() -> None:
    script = [*KORAD.wake, Pair(b"VSET1:03.65"), Pair(b"ISET1:2.000"), *KORAD.before[1:2]]
    with playing(on_pty([*script, Pair(b"ISET1?", b"5.000")])) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match="kept"):
            driver.apply(Setpoint(3.65, 2.0))

        driver.close()


def test_an_output_that_stays_on_is_refused() -> None:
    with playing(on_pty([Pair(b"OUT0"), Pair(b"STATUS?", b"\x51")])) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match="stays on"):
            driver.output(False)

        driver.close()


def test_an_empty_reply_is_an_error_and_no_zero() -> None:
    silent = replace(KORAD.after[0], answered=b"")
    script = [*KORAD.wake, *KORAD.before, KORAD.read, silent]
    with playing(on_pty(script * 2)) as player:
        driver = supply(player.resource, timeout_s=0.6)

        with pytest.raises(InstrumentSilent):
            driver.read()

        driver.close()


def test_two_status_bytes_are_none() -> None:
    twice = replace(KORAD.before[0], answered=b"\x51\x51")
    with playing(on_pty([*KORAD.wake, twice] * 2)) as player:
        driver = supply(player.resource)

        with pytest.raises(BadReply, match="status"):
            driver.read()

        driver.close()


def test_has_no_protection_of_its_own() -> None:
    """B4: its OVP and OCP trip at the set-point itself, so they cannot stand above it."""
    with playing(on_pty([*KORAD.wake])) as player:
        driver = supply(player.resource)

        assert not driver.ratings.has_protection
        with pytest.raises(Refused, match="another supply"):
            driver.protect(Protection(3.75, 2.5))

        driver.close()
