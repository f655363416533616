"""Replies that are spoilt on their way, and measured values that are no numbers."""

from __future__ import annotations

import pytest

from stations.clock import guard_s
from stations.sim.rtu import sealed
from tests.stations.sim.inside import Inside, Rtu, Scpi
from tests.wait import wait_until

FAST_METER = "CONF:VOLT:DC 10;:VOLT:DC:NPLC 0.02"
FAST_SCAN = "CONF:VOLT:DC 10,(@101:104);:SENS:VOLT:DC:NPLC 0.02,(@101:104)"
VERSION = b"1994.0\n"
READ_OUTPUT = "01 03 00 12 00 01"
OUTPUT_IS_OFF = sealed(bytes.fromhex("01 03 02 00 00"))


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ("mute", b""),
        ("garbage", bytes(byte ^ 0x5A for byte in VERSION[:-1]) + b"\n"),
        ("half", VERSION[:3]),
        ("doubled", VERSION + VERSION),
        ("slow", VERSION[:1]),
    ],
)
def test_a_spoilt_answer_of_a_meter(bench: Inside, fault: str, heard: bytes) -> None:
    bench.hands.fault("meter", fault)
    bench.meter.tell("SYST:VERS?")

    assert bench.meter.heard_bytes() == heard

    bench.hands.fault("meter", "none")
    assert bench.meter.ask("*OPC?").endswith("1")
    assert (fault == "mute") or bench.truth("spoilt")[0]["instrument"] == "meter"


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ("garbage", bytes(b ^ 0x5A for b in OUTPUT_IS_OFF[:-1]) + OUTPUT_IS_OFF[-1:]),
        ("half", OUTPUT_IS_OFF[:3]),
        ("doubled", OUTPUT_IS_OFF + OUTPUT_IS_OFF),
        ("slow", OUTPUT_IS_OFF[:1]),
    ],
)
def test_a_spoilt_answer_of_the_supply(bench: Inside, fault: str, heard: bytes) -> None:
    bench.hands.fault("supply", fault)
    bench.supply.send(sealed(bytes.fromhex(READ_OUTPUT)))

    assert bench.supply.hear(100, within_s=0.2) == heard

    bench.hands.fault("supply", "none")
    assert bench.supply.read(18) == (0,)


@pytest.mark.parametrize(("fault", "after_s"), [("delay", 0.2), ("late", 1.2)])
def test_a_late_answer_comes_before_what_was_asked_after_it(
    bench: Inside, fault: str, after_s: float
) -> None:
    bench.hands.fault("meter", fault)
    asked_s = guard_s()
    bench.meter.tell("SYST:VERS?")
    wait_until(lambda: bench.truth("spoilt"))
    bench.hands.fault("meter", "none")

    assert bench.meter.ask("*OPC?") == "1994.0"
    assert bench.meter.hear() == "1"
    assert guard_s() - asked_s >= after_s


def test_a_late_answer_holds_up_no_other_connection(bench: Inside) -> None:
    bench.hands.fault("meter", "late")
    bench.meter.tell("SYST:VERS?")
    wait_until(lambda: bench.truth("spoilt"))
    bench.hands.fault("meter", "none")

    other = Scpi(bench.ports.meter)
    assert other.ask("*OPC?") == "1"
    assert bench.meter.is_silent()
    other.close()


def test_an_instrument_one_behind_answers_the_question_before(bench: Inside) -> None:
    assert bench.meter.ask("SYST:VERS?") == "1994.0"
    bench.hands.fault("meter", "one_behind")

    assert bench.meter.ask("*OPC?") == "1994.0"
    assert bench.meter.ask("*IDN?") == "1"


def test_a_wrong_echo_names_another_register_and_reads_are_right(bench: Inside) -> None:
    bench.hands.fault("supply", "wrong_echo")

    assert bench.supply.ask("01 06 00 08 01 6d") == "01 06 00 09 01 6d"
    assert bench.supply.read(8) == (365,)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("nan", "NAN"),
        ("overload", "+9.90000000E+37"),
        ("no_number", "+9.91000000E+37"),
        ("infinite", "+INF"),
        ("empty", ""),
        ("ovld", "OVLD"),
    ],
)
def test_what_a_voltmeter_says_instead_of_a_number(bench: Inside, fault: str, text: str) -> None:
    bench.meter.tell(FAST_METER)
    bench.scanner.tell(FAST_SCAN)
    bench.hands.fault("meter", fault)
    bench.hands.fault("scanner", fault)

    assert bench.meter.ask("READ?") == text
    assert bench.scanner.ask("READ?") == ",".join([text] * 4)
    assert bench.meter.ask("*OPC?") == "1"


@pytest.mark.parametrize(
    ("fault", "second_v"), [("open_lead", 0.0), ("dead_cell", 0.02), ("other_cell", 3.95)]
)
def test_one_sense_lead_of_a_scanner(bench: Inside, fault: str, second_v: float) -> None:
    bench.scanner.tell(FAST_SCAN)
    bench.hands.fault("scanner", fault)

    volts = [float(text) for text in bench.scanner.ask("READ?").split(",")]

    assert volts[1] == pytest.approx(second_v, abs=1e-4)
    assert all(3.3 < volt < 3.4 for volt in (volts[0], *volts[2:]))


def test_a_huge_exponent_and_a_decimal_comma(bench: Inside) -> None:
    bench.meter.tell(FAST_METER)
    bench.hands.fault("meter", "huge")
    assert bench.meter.ask("READ?").endswith("E+99")

    bench.hands.fault("meter", "comma")
    assert bench.meter.ask("READ?").startswith("+3,3")


def test_a_supply_that_measures_all_ones(bench: Inside) -> None:
    bench.hands.fault("supply", "all_ones")

    assert bench.supply.read(10, 2) == (65535, 65535)
    assert bench.supply.read(18) == (0,)


def test_an_unplugged_port_breaks_off_and_comes_back_under_another_name(bench: Inside) -> None:
    path = bench.path / "supply.tty"
    before = path.readlink()
    bench.hands.fault("supply", "unplugged")
    bench.supply.send(sealed(bytes.fromhex(READ_OUTPUT)))
    wait_until(lambda: not path.is_symlink())

    bench.hands.fault("supply", "none")
    wait_until(path.is_symlink)

    again = Rtu(path)
    assert again.read(18) == (0,)
    again.close()
    assert path.readlink() != before
    assert bench.truth("unplugged")[0]["sent"] == OUTPUT_IS_OFF[:3].hex(" ")
    assert bench.truth("plugged")[0]["port"] == str(path.readlink())
