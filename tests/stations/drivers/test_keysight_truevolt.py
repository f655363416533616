"""The 34461A, line by line.

The lines follow Keysight's Truevolt operating guide; they were not recorded from a meter of
our own.
"""

from __future__ import annotations

import math

import pytest

from stations.drivers.keysight_truevolt import Keysight34461A
from stations.drivers.protocols import BadReply, Refused
from stations.drivers.scpi import ERRORS_MAX, TURNS
from tests.stations.drivers.cases import TRUEVOLT_IDENTITY, TRUEVOLT_SETUP, reading
from tests.stations.drivers.transcript import lines, on_socket, playing

IDENTIFY = lines(("*IDN?", TRUEVOLT_IDENTITY))
NO_ERROR = ("SYST:ERR?", '+0,"No error"')
SETTINGS = TRUEVOLT_SETUP[1:4]


def test_an_overload_is_nan_with_its_raw_reply() -> None:
    script = [*IDENTIFY, *TRUEVOLT_SETUP, reading("+9.90000000E+37")]
    with playing(on_socket(script)) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)
        meter.prepare()

        measured = meter.measure()

        assert math.isnan(measured.volts[0])
        assert measured.raw == "+9.90000000E+37"
        meter.close()


def test_prepare_forgets_old_errors() -> None:
    old = lines(("SYST:ERR?", '-410,"Query INTERRUPTED"'))
    with playing(on_socket([*IDENTIFY, *old, *TRUEVOLT_SETUP])) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)
        meter.prepare()
        meter.close()


def test_prepare_refuses_when_the_meter_reports_an_error() -> None:
    failed = lines(("SYST:ERR?", '-222,"Data out of range"'), NO_ERROR)
    with playing(on_socket([*IDENTIFY, *lines(NO_ERROR), *SETTINGS, *failed])) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)

        with pytest.raises(Refused, match="-222"):
            meter.prepare()

        meter.close()


@pytest.mark.parametrize(
    "configured", ['"VOLT +1.000000E+02,+3.000000E-05"', '"CURR +1.000000E+01,+3.000000E-06"', "0"]
)
def test_prepare_refuses_another_range_or_function(configured: str) -> None:
    script = [*IDENTIFY, *lines(NO_ERROR), *SETTINGS[:2], *lines(("CONF?", configured))]
    with playing(on_socket(script)) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)

        with pytest.raises(BadReply, match="set to"):
            meter.prepare()

        meter.close()


def test_a_new_connection_is_set_up_before_it_is_believed() -> None:
    once = [*IDENTIFY, *TRUEVOLT_SETUP, reading("+3.29876543E+00")]
    with playing(on_socket(once * 2)) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)
        meter.measure()
        meter.reopen()

        assert meter.measure().volts == (3.29877,)

        meter.close()


def test_prepare_gives_up_on_an_error_queue_that_never_empties() -> None:
    always = lines(("SYST:ERR?", '-350,"Queue overflow"')) * ERRORS_MAX
    with playing(on_socket([*IDENTIFY, *always])) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)

        with pytest.raises(Refused, match="does not empty"):
            meter.prepare()

        meter.close()


def test_prepare_refuses_what_is_no_error_report() -> None:
    with playing(on_socket([*IDENTIFY, *lines(("SYST:ERR?", "0"))])) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)

        with pytest.raises(BadReply, match="error report"):
            meter.prepare()

        meter.close()


@pytest.mark.parametrize(
    "reply", ["1;+3.29876543E+00", "3;+3.29876543E+00", "+3.29876543E+00", ";+3.29876543E+00"]
)
def test_an_answer_to_another_question_is_no_reading(reply: str) -> None:
    first, second = reading("+3.29000000E+00"), lines(("*ESE 2;*ESE?;:READ?", reply))
    again = [*IDENTIFY, *TRUEVOLT_SETUP, *lines(("*ESE 3;*ESE?;:READ?", "+3;+3.29800000E+00"))]
    script = [*IDENTIFY, *TRUEVOLT_SETUP, first, *second, *again]
    with playing(on_socket(script)) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)
        meter.measure()

        assert meter.measure().volts == (3.298,)

        meter.close()


def test_the_number_of_a_question_begins_again_before_it_outgrows_its_register() -> None:
    last = lines(("*ESE 1;*ESE?;:READ?", "1;+3.30000000E+00"))
    script = [*IDENTIFY, *TRUEVOLT_SETUP, *[reading("+3.29000000E+00")] * TURNS, *last]
    with playing(on_socket(script)) as player:
        meter = Keysight34461A(player.resource, timeout_s=10.0)

        volts = [meter.measure().volts for _ in range(TURNS + 1)]

        assert volts[-1] == (3.3,)
        meter.close()
