"""Each fault on the wire: what a client sees, and that it heals."""

from __future__ import annotations

import pytest

from stations.sim.faults import FAULTS, Switchboard, UnknownFault
from tests.stations.sim.inside import Inside

FAST_METER = "CONF:VOLT:DC 10;:VOLT:DC:NPLC 0.02"
FAST_SCAN = "CONF:VOLT:DC 10,(@101:104);:SENS:VOLT:DC:NPLC 0.02,(@101:104)"


def energise(bench: Inside) -> None:
    bench.hands.post("/links/on")
    for register, value in ((82, 375), (83, 1500), (8, 365), (9, 1440), (18, 1)):
        bench.supply.write(register, value)


def test_a_silent_meter_hears_and_says_nothing(bench: Inside) -> None:
    bench.hands.fault("meter", "silence")
    bench.meter.tell("VOLT:DC:NPLC 0.02")
    bench.meter.tell("READ?")
    assert bench.meter.is_silent()

    bench.hands.fault("meter", "none")

    assert bench.meter.ask("VOLT:DC:NPLC?") == "+1.00000000E+01"
    assert bench.truth("reply") == []


def test_a_silent_supply_does_not_hear_off(bench: Inside) -> None:
    energise(bench)
    bench.hands.fault("supply", "silence")

    assert bench.supply.is_silent_to("01 06 00 12 00 00")
    assert bench.hands.state()["output"] is True


def test_a_silent_instrument_leaves_the_others_alone(bench: Inside) -> None:
    bench.hands.fault("meter", "silence")

    assert bench.scanner.ask("*OPC?") == "1"


@pytest.mark.parametrize(("instrument", "set_up"), [("meter", FAST_METER), ("scanner", FAST_SCAN)])
def test_a_stuck_voltmeter_repeats_itself_while_current_flows(
    bench: Inside, instrument: str, set_up: str
) -> None:
    client = bench.meter if instrument == "meter" else bench.scanner
    client.tell(set_up)
    energise(bench)
    before = client.ask("READ?")
    bench.hands.fault(instrument, "stuck")

    assert {client.ask("READ?") for _ in range(3)} == {before}

    bench.supply.write(18, 0)
    assert client.ask("READ?") != before


def test_a_stuck_supply_repeats_its_read_backs_while_current_flows(bench: Inside) -> None:
    energise(bench)
    before = bench.supply.read(10, 4)
    bench.hands.fault("supply", "stuck")
    bench.supply.write(9, 200)

    assert bench.supply.read(10, 4) == before
    assert bench.supply.read(9) == (200,)

    bench.supply.write(18, 0)
    assert bench.supply.read(10, 4) == (0, 0, 0, 0)


def test_a_supply_that_refuses_off_says_it_obeyed(bench: Inside) -> None:
    energise(bench)
    bench.hands.fault("supply", "refuse_off")

    bench.supply.write(18, 0)

    assert bench.supply.read(18) == (1,)
    assert bench.supply.read(11) == (1440,)
    bench.hands.fault("supply", "none")
    bench.supply.write(18, 0)
    assert bench.supply.read(18) == (0,)


def test_a_supply_that_lies_says_off_and_shows_its_current(bench: Inside) -> None:
    energise(bench)
    bench.hands.fault("supply", "lies_off")

    bench.supply.write(18, 0)

    assert bench.supply.read(18) == (0,)
    assert bench.supply.read(11) == (1440,)
    assert bench.hands.state()["output"] is True


def test_a_supply_that_refuses_off_still_trips(bench: Inside) -> None:
    energise(bench)
    bench.hands.fault("supply", "refuse_off")

    bench.supply.write(82, 300)

    assert bench.supply.read(18) == (0,)


def test_faults_are_in_the_truth_log(bench: Inside) -> None:
    bench.hands.fault("meter", "stuck")

    record = bench.truth("fault")[-1]
    assert (record["instrument"], record["fault"]) == ("meter", "stuck")


def test_names_what_is_there_when_asked_for_what_is_not() -> None:
    board = Switchboard(("supply", "meter"))

    with pytest.raises(UnknownFault, match="supply, meter"):
        board.set("scanner", "silence")
    with pytest.raises(UnknownFault, match="none, silence, mute, garbage"):
        board.set("meter", "refuse_off")


def test_every_fault_has_words() -> None:
    assert all(fault.words for fault in FAULTS.values())
