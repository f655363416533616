"""The PS 9080-60 T on a raw socket: remote lock, units, error queue, alarms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stations.sim.folder import Folder
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, Scpi, inside


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path, Folder(cells=[cell()], supply_driver="ea_ps_9080_60_t")) as running:
        yield running


@pytest.fixture
def ea(bench: Inside) -> Iterator[Scpi]:
    client = Scpi(bench.ports.supply)
    yield client
    client.close()


def energise(ea: Scpi) -> None:
    for command in ("SYST:LOCK ON", "VOLT:PROT 3.75", "CURR:PROT 15", "VOLT 3.65", "CURR 14.4"):
        ea.tell(command)
    ea.tell("OUTP ON")


def test_identifies_itself_in_five_fields(ea: Scpi) -> None:
    assert ea.ask("*IDN?").count(",") == 4
    assert ea.ask("SYST:NOM:VOLT?") == "80.00V"
    assert ea.ask("syst:nom:curr?") == "60.0A"


def test_takes_nothing_before_remote_control(ea: Scpi) -> None:
    ea.tell("VOLT 3.65")
    assert ea.ask("SYST:ERR?") == '-201,"Invalid while in local"'
    assert ea.ask("SYST:LOCK:OWN?") == "NONE"

    ea.tell("SYST:LOCK ON;:VOLT 3.65")

    assert ea.ask("SYST:LOCK:OWN?") == "REMOTE"
    assert ea.ask("VOLT?") == "3.65V"
    assert ea.ask("SYST:ERR?") == '0,"No error"'


def test_a_panel_in_local_keeps_the_lock(bench: Inside, ea: Scpi) -> None:
    bench.hands.fault("supply", "local")

    ea.tell("SYST:LOCK ON")
    ea.tell("OUTP ON")

    assert ea.ask("SYST:LOCK:OWN?") == "LOCAL"
    assert ea.ask("SYST:ERR?").startswith("-201")
    assert ea.ask("OUTP?") == "OFF"


@pytest.mark.parametrize("command", ["VOLT 81.7", "CURR 61.3", "VOLT:PROT 88.1", "POW 1531"])
def test_refuses_what_is_beyond_its_limits_and_keeps_the_old(ea: Scpi, command: str) -> None:
    ea.tell("SYST:LOCK ON")
    header = command.split()[0]
    before = ea.ask(f"{header}?")

    ea.tell(command)

    assert ea.ask("SYST:ERR?") == '-222,"Data out of range"'
    assert ea.ask(f"{header}?") == before


def test_charges_and_says_so_with_units(bench: Inside, ea: Scpi) -> None:
    bench.hands.post("/links/on")
    energise(ea)

    volts, amps, watts = ea.ask("MEAS:ARR?").split(", ")

    assert amps == "14.4 A"
    assert volts.endswith(" V")
    assert watts.endswith(" W")
    assert int(ea.ask("STAT:OPER:COND?")) == 1 << 9
    assert int(ea.ask("STAT:QUES:COND?")) == 1 << 11


def test_an_alarm_stays_until_the_error_queue_is_read(ea: Scpi) -> None:
    energise(ea)
    ea.tell("VOLT:PROT 3.00")
    assert ea.ask("OUTP?") == "OFF"
    assert ea.ask("STAT:QUES:COND?") == "1"
    ea.tell("VOLT:PROT 3.75")
    ea.tell("OUTP ON")
    assert ea.ask("OUTP?") == "OFF"

    assert ea.ask("SYST:ERR?").startswith("-221")

    assert ea.ask("STAT:QUES:COND?") == "0"
    assert int(ea.ask("STAT:QUES:EVEN?")) & 1  # the evidence is still there, once
    ea.tell("OUTP ON")
    assert ea.ask("OUTP?") == "ON"


def test_a_level_at_its_own_threshold_trips(ea: Scpi) -> None:
    energise(ea)

    ea.tell("VOLT:PROT 3.65")

    assert ea.ask("OUTP?") == "OFF"


def test_leaving_remote_control_switches_off_where_it_is_told_to(ea: Scpi) -> None:
    energise(ea)
    ea.tell("POW:STAG:AFT:REM OFF")

    ea.tell("SYST:LOCK OFF")

    assert ea.ask("OUTP?") == "OFF"


def test_an_unknown_command_is_named(ea: Scpi) -> None:
    ea.tell("VOLTS 3.65")

    assert ea.ask("SYST:ERR?") == '-100,"Command unknown"'
