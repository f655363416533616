"""The 34461A on a raw socket, as its programming guide describes it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from stations.sim.noise import OVERLOAD
from tests.stations.sim.inside import Inside, Scpi
from tests.wait import wait_until

FAST = "CONF:VOLT:DC 10;:VOLT:DC:NPLC 0.02"


def error(client: Scpi) -> str:
    return client.ask("SYST:ERR?")


def test_says_who_it_is(bench: Inside) -> None:
    assert bench.meter.ask("*idn?") == (
        "Keysight Technologies,34461A,MY53200001,A.02.14-02.40-02.14-00.49-01-01"
    )


def test_measures_the_last_cell(bench: Inside) -> None:
    bench.meter.tell(FAST)

    reading = bench.meter.ask("READ?")

    assert re.fullmatch(r"\+3\.\d{8}E\+00", reading)
    truth = bench.hands.state()["cells"][-1]["voltage_v"]
    assert float(reading) == pytest.approx(truth, abs=1e-4)


def test_never_says_the_same_twice(bench: Inside) -> None:
    bench.meter.tell(FAST)

    readings = bench.meter.ask("SAMP:COUN 20;:READ?").split(",")

    assert len(readings) == 20
    assert all(a != b for a, b in pairwise(readings))


def test_configuring_puts_the_speed_back(bench: Inside) -> None:
    bench.meter.tell("VOLT:DC:NPLC 0.2")
    bench.meter.tell("CONF:VOLT:DC 10")

    assert bench.meter.ask("VOLT:DC:NPLC?") == "+1.00000000E+01"
    assert bench.meter.ask("CONF?") == '"VOLT +1.000000E+01,+3.000000E-06"'


def test_shows_overload_as_a_number(bench: Inside) -> None:
    bench.meter.tell("CONF:VOLT:DC 1;:VOLT:DC:NPLC 0.02")

    assert bench.meter.ask("READ?") == OVERLOAD


def test_splits_a_reading_into_initiate_and_fetch(bench: Inside) -> None:
    bench.meter.tell(FAST + ";:TRIG:SOUR BUS")
    bench.meter.tell("FETC?")
    assert error(bench.meter) == '-230,"Data stale"'

    bench.meter.tell("READ?")
    assert error(bench.meter) == '-214,"Trigger deadlock"'

    bench.meter.tell("INIT")
    bench.meter.tell("*TRG")
    assert bench.meter.ask("FETC?") == bench.meter.ask("FETC?")
    bench.meter.tell("*TRG")
    assert error(bench.meter) == '-211,"Trigger ignored"'


def test_knows_no_remote_command(bench: Inside) -> None:
    bench.meter.tell("SYST:REM")

    assert error(bench.meter) == '-113,"Undefined header"'


def test_loses_an_answer_that_a_second_query_overtakes(bench: Inside) -> None:
    bench.meter.tell(FAST)

    bench.meter.send("READ?\n*IDN?\n")

    assert bench.meter.hear().startswith("Keysight")
    assert error(bench.meter) == '-410,"Query INTERRUPTED"'


def test_remembers_a_query_that_was_never_ended(bench: Inside) -> None:
    other = Scpi(bench.ports.meter)
    other.send("READ?")
    other.hang_up_sending()
    other.close()

    wait_until(lambda: error(bench.meter).startswith("-420"), what="the unended query")


def test_takes_carriage_returns_and_text_in_pieces(bench: Inside) -> None:
    bench.meter.send("*ID")
    bench.meter.send("N?\r\n")

    assert bench.meter.hear().startswith("Keysight")


def test_serves_a_second_client_while_a_first_is_connected(bench: Inside) -> None:
    other = Scpi(bench.ports.meter)

    assert other.ask("*IDN?") == bench.meter.ask("*IDN?")
    other.close()


def test_takes_its_time_on_the_process_clock(bench: Inside) -> None:
    bench.supply.write(18, 1)
    bench.meter.tell("CONF:VOLT:DC 10;:VOLT:DC:NPLC 100")
    asked_at = datetime.fromisoformat(bench.hands.state()["at"])

    bench.meter.ask("READ?")

    answered_at = datetime.fromisoformat(bench.truth("reply")[-1]["at"])
    assert timedelta(seconds=4) <= answered_at - asked_at < timedelta(seconds=900)


def test_measures_faster_without_auto_zero(bench: Inside) -> None:
    bench.meter.tell("VOLT:DC:ZERO:AUTO OFF")

    assert bench.meter.ask("VOLT:DC:ZERO:AUTO?") == "0"
