"""The PS 9080-60 T, line by line.

The lines follow EA's "Programming Guide ModBus & SCPI" as public drivers quote it; they were not
recorded from a supply of our own.
"""

from __future__ import annotations

import pytest

from stations.drivers.ea_ps9000 import PS_9080_60_T, EaPs9000, quantity
from stations.drivers.protocols import BadReply, OutOfRange, Refused, WrongInstrument
from stations.values import Protection, Setpoint
from tests.stations.drivers.cases import EA_IDENTITY, EA_OK, EA_READING, EA_REMOTE, NO_ALARM
from tests.stations.drivers.transcript import Pair, lines, on_socket, playing

IDENTIFY = lines(("*IDN?", EA_IDENTITY))
NOMINAL = lines(("SYST:NOM:VOLT?", "80V"), ("SYST:NOM:CURR?", "60.0A"), ("SYST:NOM:POW?", "1500W"))
MEETS = [*IDENTIFY, *NOMINAL, *EA_REMOTE]
STAYS_OFF = lines(
    ("SYST:CONF:OUTP:REST?", "OFF"),
    ("SYST:ALAR:ACT:PF?", "OFF"),
    ("SYST:ALAR:ACT:OTEM?", "OFF"),
    ("POW:STAG:AFT:REM?", "OFF"),
)
RELEASE = lines(("SYST:LOCK OFF", ""))


def supply(resource: str) -> EaPs9000:
    return EaPs9000(resource, ratings=PS_9080_60_T, timeout_s=10.0)


def told(*commands: str, error: str = EA_OK[1]) -> list[Pair]:
    """Commands, and what the driver asks after them: alarms first, then the error queue."""
    sent = [(command, "") for command in commands]
    return [*lines(*sent), *NO_ALARM, *lines(("SYST:ERR?", error))]


def state(
    *, alarm: str = "0", event: str = "0", operation: str = "256", on: str = "ON"
) -> list[Pair]:
    return lines(
        ("STAT:QUES:COND?", alarm),
        ("STAT:QUES:EVEN?", event),
        ("STAT:OPER:COND?", operation),
        ("MEAS:ARR?", EA_READING),
        ("VOLT?", "58.40V"),
        ("CURR?", "40.0A"),
        ("OUTP?", on),
    )


def test_prepare_takes_remote_control_and_lets_nothing_come_on_by_itself() -> None:
    with playing(on_socket([*MEETS, *STAYS_OFF, *RELEASE])) as player:
        driver = supply(player.resource)
        driver.prepare()
        driver.close()


def test_prepare_switches_off_what_would_come_on_by_itself() -> None:
    restores = [
        *lines(("SYST:CONF:OUTP:REST?", "AUTO")),
        *told("SYST:CONF:OUTP:REST OFF"),
        *lines(("SYST:CONF:OUTP:REST?", "OFF")),
    ]
    with playing(on_socket([*MEETS, *restores, *STAYS_OFF[1:], *RELEASE])) as player:
        driver = supply(player.resource)
        driver.prepare()
        driver.close()


@pytest.mark.parametrize("owner", ["LOCAL", "NONE"])
def test_remote_control_that_is_refused_is_named(owner: str) -> None:
    refused = [*EA_REMOTE[:-1], *lines(("SYST:LOCK:OWN?", owner))]
    with playing(on_socket([*IDENTIFY, *NOMINAL, *refused])) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match=owner):
            driver.prepare()

        driver.close()


def test_another_rating_than_its_name_says_is_refused() -> None:
    smaller = lines(("SYST:NOM:VOLT?", "40V"))
    with playing(on_socket([*IDENTIFY, *smaller])) as player:
        driver = supply(player.resource)

        with pytest.raises(WrongInstrument, match="expected VOLT 80"):
            driver.prepare()

        driver.close()


def test_sets_and_reads_back() -> None:
    script = [
        *IDENTIFY,
        *EA_REMOTE,
        *told("VOLT:PROT 3.75", "CURR:PROT 45.0"),
        *lines(("VOLT:PROT?", "3.75 V"), ("CURR:PROT?", "45.0A")),
        *told("VOLT 3.65", "CURR 40.0"),
        *lines(("VOLT?", "3.65V"), ("CURR?", "40.0")),
        *RELEASE,
    ]
    with playing(on_socket(script)) as player:
        driver = supply(player.resource)

        driver.protect(Protection(ovp_v=3.75, ocp_a=45.0))
        driver.apply(Setpoint(3.65, 40.0))

        driver.close()


def test_a_value_that_is_not_kept_is_refused() -> None:
    kept = lines(("VOLT?", "3.65V"), ("CURR?", "20.0A"))
    script = [*IDENTIFY, *EA_REMOTE, *told("VOLT 3.65", "CURR 40.0"), *kept, *RELEASE]
    with playing(on_socket(script)) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match="kept"):
            driver.apply(Setpoint(3.65, 40.0))

        driver.close()


def test_an_error_after_a_set_is_refused_in_its_own_words() -> None:
    refused = told("VOLT 3.65", "CURR 40.0", error='-222,"Data out of range"')
    with playing(on_socket([*IDENTIFY, *EA_REMOTE, *refused, *lines(EA_OK), *RELEASE])) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match="-222"):
            driver.apply(Setpoint(3.65, 40.0))

        driver.close()


@pytest.mark.parametrize(
    ("alarm", "tripped"),
    [("1", "OVP"), ("2", "OCP"), ("4", "OPP"), ("8", "OT"), ("8192", "PF"), ("2048", "")],
)
def test_says_which_alarm_switched_it_off(alarm: str, tripped: str) -> None:
    with playing(on_socket([*IDENTIFY, *state(alarm=alarm, on="OFF")])) as player:
        driver = supply(player.resource)

        assert driver.read().tripped == tripped

        driver.close()


def test_an_alarm_outlives_its_acknowledgement() -> None:
    """Reading the error queue acknowledges alarms, and a set reads it."""
    acknowledged = [
        *lines(("VOLT 3.65", ""), ("CURR 40.0", ""), ("STAT:QUES:COND?", "1")),
        *lines(("STAT:QUES:EVEN?", "1"), EA_OK, ("VOLT?", "3.65V"), ("CURR?", "40.0A")),
    ]
    script = [*IDENTIFY, *EA_REMOTE, *acknowledged, *state(on="OFF"), *RELEASE]
    with playing(on_socket(script)) as player:
        driver = supply(player.resource)
        driver.apply(Setpoint(3.65, 40.0))

        assert driver.read().tripped == "OVP"

        driver.close()


def test_an_alarm_that_came_and_went_is_still_named() -> None:
    with playing(on_socket([*IDENTIFY, *state(event="8", on="OFF")])) as player:
        driver = supply(player.resource)

        assert driver.read().tripped == "OT"

        driver.close()


@pytest.mark.parametrize(("bits", "regulation"), [("256", "CV"), ("512", "CC"), ("1024", "")])
def test_says_how_it_regulates(bits: str, regulation: str) -> None:
    with playing(on_socket([*IDENTIFY, *state(operation=bits)])) as player:
        driver = supply(player.resource)

        assert driver.read().regulation == regulation

        driver.close()


def test_an_output_that_stays_on_is_refused() -> None:
    stays = lines(("SYST:LOCK ON", ""), ("OUTP OFF", ""), ("OUTP?", "ON"))
    with playing(on_socket(stays)) as player:
        driver = supply(player.resource)

        with pytest.raises(Refused, match="stays on"):
            driver.output(False)

        driver.close()


@pytest.mark.parametrize(
    "reply",
    [
        "2.80 V, 40.0 A, 2112 W",  # a digit was lost: volts times amps are not the watts
        "52.80 V, 4.0 A, 2112 W",
        "52.80 V, 40.0 A",
        "52.80 V, 40.0 A, 2112",
        "52.80 A, 40.0 V, 2112 W",
        "528.0 V, 4.0 A, 2112 W",
    ],
)
def test_a_measurement_that_contradicts_itself_is_none(reply: str) -> None:
    said = [*NO_ALARM, *lines(("STAT:OPER:COND?", "512"), ("MEAS:ARR?", reply))]
    with playing(on_socket([*IDENTIFY, *said] * 2)) as player:
        driver = supply(player.resource)

        with pytest.raises(BadReply):
            driver.read()

        driver.close()


@pytest.mark.parametrize("text", ["58.40V", "58.40 V", "58.4"])
def test_a_unit_may_be_there_or_not(text: str) -> None:
    assert quantity(text) == 58.4


@pytest.mark.parametrize("text", ["", "V", "58.40VV", "58,40V", "9.9E37", "NaN", "5 8V", "58.40O"])
def test_anything_else_is_no_quantity(text: str) -> None:
    with pytest.raises(BadReply):
        quantity(text)


def test_thresholds_end_at_what_the_guide_allows() -> None:
    with playing(on_socket([])) as player:
        driver = supply(player.resource)

        with pytest.raises(OutOfRange, match="OVP"):
            driver.protect(Protection(88.1, 1.0))

        driver.close()
