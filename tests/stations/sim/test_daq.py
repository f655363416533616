"""The 34972A on a raw socket, as its command reference describes it."""

from __future__ import annotations

import re

import pytest

from stations.sim.daq import block, channel_list
from stations.sim.scpi import ScpiError
from tests.stations.sim.inside import Inside

SET_UP = "CONF:VOLT:DC 10,(@101:104);:SENS:VOLT:DC:NPLC 0.02,(@101:104)"
VOLTS = r"\+3\.\d{8}E\+00"


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("(@101:104)", (101, 102, 103, 104)),
        ("(@104,101,103:102)", (101, 102, 103, 104)),
        ("(@)", ()),
    ],
)
def test_sorts_a_channel_list_as_a_scan_runs(text: str, channels: tuple[int, ...]) -> None:
    assert channel_list(text) == channels


@pytest.mark.parametrize(
    ("text", "code"), [("101,102", -102), ("(@1a)", -102), ("(@121)", 112), ("(@201)", 111)]
)
def test_refuses_a_channel_list_with_its_code(text: str, code: int) -> None:
    with pytest.raises(ScpiError) as caught:
        channel_list(text)

    assert caught.value.code == code


def test_packs_text_into_a_definite_length_block() -> None:
    assert block("(@101,102)") == "#210(@101,102)"
    assert block("(@)") == "#13(@)"


def test_scans_every_cell_in_ascending_order(bench: Inside) -> None:
    bench.scanner.tell(SET_UP)
    bench.scanner.tell("ROUT:SCAN (@104,103,102,101)")

    assert bench.scanner.ask("ROUT:SCAN?") == "#218(@101,102,103,104)"
    reply = bench.scanner.ask("READ?")

    assert re.fullmatch(",".join([VOLTS] * 4), reply)
    truth = [cell["voltage_v"] for cell in bench.hands.state()["cells"]]
    assert [float(token) for token in reply.split(",")] == pytest.approx(truth, abs=1e-4)


def test_configuring_makes_the_scan_list(bench: Inside) -> None:
    bench.scanner.tell("CONF:VOLT:DC 10,(@101,103)")

    assert bench.scanner.ask("ROUT:SCAN?") == "#210(@101,103)"
    assert bench.scanner.ask("ROUT:SCAN:SIZE?") == "+2"


def test_measures_a_list_given_on_the_spot(bench: Inside) -> None:
    assert len(bench.scanner.ask("MEAS:VOLT:DC? (@103,101)").split(",")) == 2
    assert bench.scanner.ask("ROUT:SCAN?") == "#210(@101,103)"


def test_keeps_settings_by_channel(bench: Inside) -> None:
    bench.scanner.tell("SENS:VOLT:DC:NPLC 10,(@102)")

    assert bench.scanner.ask("SENS:VOLT:DC:NPLC? (@101,102)") == "+1.00000000E+00,+1.00000000E+01"


def test_adds_channel_and_time_when_asked(bench: Inside) -> None:
    bench.scanner.tell(SET_UP)
    bench.scanner.tell("ROUT:SCAN (@101,102);:FORM:READ:CHAN ON")
    assert bench.scanner.ask("READ?").split(",")[1::2] == ["101", "102"]

    bench.scanner.tell("FORM:READ:CHAN OFF;TIME ON;TIME:TYPE ABS")
    assert len(bench.scanner.ask("READ?").split(",")) == 14


def test_will_not_scan_an_empty_list(bench: Inside) -> None:
    bench.scanner.tell("ROUT:SCAN (@)")
    bench.scanner.tell("READ?")

    assert bench.scanner.ask("SYST:ERR?") == '+113,"Channel list: empty scan list"'


def test_names_itself_and_its_card(bench: Inside) -> None:
    assert bench.scanner.ask("*IDN?").split(",")[1:3] == ["34972A", "MY49000001"]
    assert bench.scanner.ask("SYST:CTYP? 100").split(",")[1] == "34901A"


def test_logs_each_scan_as_one_reply(bench: Inside) -> None:
    bench.scanner.tell(SET_UP)

    replies = [bench.scanner.ask("READ?") for _ in range(2)]

    logged = bench.truth("reply")
    assert [record["raw"] for record in logged] == replies
    assert [(record["instrument"], record["n"]) for record in logged] == [
        ("scanner", 1),
        ("scanner", 2),
    ]
