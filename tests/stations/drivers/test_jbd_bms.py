"""The JBD BMS, frame by frame.

Frames follow the published register maps; they were computed, not recorded from a board of our
own.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from stations.drivers.jbd_bms import JbdBms, checksum, request
from stations.drivers.protocols import BadReply, InstrumentSilent, Refused
from tests.stations.drivers.cases import JBD, JBD_BASIC, JBD_NAME, JBD_NAMED, jbd_reply
from tests.stations.drivers.transcript import Pair, on_pty, playing

ALONE = jbd_reply(0x04, bytes.fromhex("0C E4 0C E5"))


def bms(path: str, *, timeout_s: float = 10.0) -> JbdBms:
    return JbdBms(path, timeout_s=timeout_s)


def basic(*, at: int, data: str) -> Pair:
    """The published reply with bytes from `at` of its data on changed."""
    told = bytearray(JBD_BASIC.answered[4:-3])
    told[at : at + len(bytes.fromhex(data))] = bytes.fromhex(data)
    return Pair(JBD_BASIC.sent, jbd_reply(0x03, bytes(told)))


@pytest.mark.parametrize(
    ("register", "published"),
    [(3, "DD A5 03 00 FF FD 77"), (4, "DD A5 04 00 FF FC 77"), (5, "DD A5 05 00 FF FB 77")],
)
def test_requests_are_the_published_ones(register: int, published: str) -> None:
    assert request(register) == bytes.fromhex(published)


@pytest.mark.parametrize(
    ("body", "published"), [("E1 02 00 03", "FF 1A"), ("80 00", "FF 80"), ("03 00", "FF FD")]
)
def test_the_check_sum_is_the_published_one(body: str, published: str) -> None:
    assert checksum(bytes.fromhex(body)) == bytes.fromhex(published)


def test_reads_the_published_string_of_sixteen() -> None:
    with playing(on_pty([*JBD.wake, *JBD.reading])) as player:
        driver = bms(player.resource)

        state = driver.read()

        assert state.cell_volts == tuple(mv / 1000 for mv in range(3300, 3316))
        assert (state.pack_voltage_v, state.current_a) == (52.8, -40.0)
        assert state.temperatures_c == (25.0, 24.4)
        assert (state.charge_on, state.discharge_on, state.protections) == (True, True, frozenset())
        driver.close()


@pytest.mark.parametrize(
    ("bits", "named"), [("00 01", {"cell OV"}), ("00 06", {"cell UV", "pack OV"}), ("80 00", set())]
)
def test_names_its_protections(bits: str, named: set[str]) -> None:
    with playing(on_pty([*JBD.wake, basic(at=16, data=bits), JBD.read])) as player:
        driver = bms(player.resource)

        assert driver.read().protections == named

        driver.close()


@pytest.mark.parametrize(
    ("bits", "charge", "discharge"),
    [("00", False, False), ("01", True, False), ("02", False, True)],
)
def test_tells_which_way_it_is_open(bits: str, charge: bool, discharge: bool) -> None:
    with playing(on_pty([*JBD.wake, basic(at=20, data=bits), JBD.read])) as player:
        driver = bms(player.resource)

        state = driver.read()

        assert (state.charge_on, state.discharge_on) == (charge, discharge)
        driver.close()


def test_a_missing_probe_is_nan_in_its_own_place() -> None:
    with playing(on_pty([*JBD.wake, basic(at=23, data="00 00"), JBD.read])) as player:
        driver = bms(player.resource)

        first, second = driver.read().temperatures_c

        assert math.isnan(first)
        assert second == 24.4
        driver.close()


def test_cells_that_are_not_as_many_as_it_says_are_none() -> None:
    two = replace(JBD.read, answered=ALONE)
    with playing(on_pty([*JBD.wake, JBD_BASIC, two, JBD_BASIC, two])) as player:
        driver = bms(player.resource)

        with pytest.raises(BadReply, match="16 cells"):
            driver.read()

        driver.close()


def test_an_error_of_its_own_is_named() -> None:
    refused = Pair(JBD_BASIC.sent, bytes.fromhex("DD 03 80 00 FF 80 77"))
    with playing(on_pty([*JBD.wake, refused])) as player:
        driver = bms(player.resource)

        with pytest.raises(Refused, match="03"):
            driver.read()

        driver.close()


def test_the_end_mark_may_stand_in_the_data() -> None:
    with playing(on_pty([*JBD.wake, basic(at=2, data="00 77"), JBD.read])) as player:
        driver = bms(player.resource)

        assert driver.read().current_a == 1.19

        driver.close()


def test_the_older_form_of_a_reply_is_refused() -> None:
    older = Pair(JBD_BASIC.sent, bytes.fromhex("DD A5 00 1B") + JBD_BASIC.answered[4:])
    with playing(on_pty([*JBD.wake, older] * 2)) as player:
        driver = bms(player.resource)

        with pytest.raises(BadReply, match="does not answer"):
            driver.read()

        driver.close()


def test_a_board_that_slept_is_woken_by_asking_again() -> None:
    with playing(on_pty([Pair(request(5)), *JBD.wake, *JBD.reading])) as player:
        driver = bms(player.resource, timeout_s=0.6)

        assert driver.read().pack_voltage_v == 52.8

        driver.close()


def test_a_board_that_sleeps_on_is_called_that() -> None:
    with playing(on_pty([Pair(request(5))] * 4)) as player:
        driver = bms(player.resource, timeout_s=0.3)

        with pytest.raises(InstrumentSilent, match="asleep"):
            driver.read()

        driver.close()


def test_its_name_may_be_counted_once_more() -> None:
    counted = bytes((len(JBD_NAME),)) + JBD_NAME.encode()
    script = [replace(JBD_NAMED, answered=jbd_reply(0x05, counted)), JBD_BASIC]
    with playing(on_pty(script)) as player:
        driver = bms(player.resource)

        assert driver.identify() == JBD.identity

        driver.close()


ENTER = Pair(bytes.fromhex("DD 5A 00 02 56 78 FF 30 77"), bytes.fromhex("DD 00 00 00 00 00 77"))
LEAVE = Pair(bytes.fromhex("DD 5A 01 02 00 00 FF FD 77"), bytes.fromhex("DD 01 00 00 00 00 77"))
ASK_OVER = bytes.fromhex("DD A5 24 00 FF DC 77")
ERROR = bytes.fromhex("80 00 FF 80 77")


def told_setting(answered: bytes) -> float:
    with playing(on_pty([ENTER, Pair(ASK_OVER, answered), LEAVE])) as player:
        driver = bms(player.resource)
        try:
            return driver.cell_over_v()
        finally:
            player.finish()
            driver.close()


def test_tells_its_setting_in_factory_mode_which_it_leaves_without_storing() -> None:
    """B10: the BMS cell over-voltage setting."""
    assert told_setting(jbd_reply(0x24, bytes.fromhex("0E 42"))) == 3.650


def test_a_setting_that_it_refuses_to_tell_is_no_number() -> None:
    assert math.isnan(told_setting(bytes.fromhex("DD 24") + ERROR))


def test_a_setting_that_is_no_voltage_is_a_bad_reply() -> None:
    with pytest.raises(BadReply, match="no voltage in 0e"):
        told_setting(jbd_reply(0x24, bytes.fromhex("0E")))
