"""The production drivers against the simulated instruments, over the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from stations.drivers.protocols import (
    BadReply,
    InstrumentSilent,
    PowerSupply,
    Relays,
    Scanner,
    Voltmeter,
)
from stations.sim.folder import Folder
from stations.values import Protection, Setpoint
from tests.stations.sim.driven import BRIEF_S, PATIENT_S, driver_of
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, inside

MORE = ("itech_it8514c", "jbd_bms", "eletechsup_r4dcb08")


@dataclass(frozen=True)
class Driven:
    bench: Inside
    supply: PowerSupply
    meter: Voltmeter
    scanner: Scanner


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[Driven]:
    cells = [cell(soc=soc) for soc in (0.2, 0.5, 0.7, 0.9)]
    with inside(tmp_path, Folder(cells=cells)) as bench:
        drivers = [driver_of(bench, role, PATIENT_S) for role in ("supply", "meter", "scanner")]
        yield Driven(bench, *cast(tuple[PowerSupply, Voltmeter, Scanner], tuple(drivers)))
        for driver in drivers:
            driver.close()


def energise(supply: PowerSupply) -> None:
    supply.prepare()
    supply.protect(Protection(ovp_v=3.75, ocp_a=15.0))
    supply.apply(Setpoint(voltage_v=3.65, current_a=14.4))
    supply.output(True)


def test_instruments_are_who_the_bench_file_says(driven: Driven) -> None:
    seen = [i.identify() for i in (driven.supply, driven.meter, driven.scanner)]

    assert [(s.model, s.serial_number) for s in seen] == [
        ("RD6018", "00012345"),
        ("34461A", "MY53200001"),
        ("34972A", "MY49000001"),
    ]


def test_meter_and_scanner_see_the_cells(driven: Driven) -> None:
    driven.meter.prepare()
    driven.scanner.prepare()

    scanned, metered = driven.scanner.measure(), driven.meter.measure()

    truth = [state["voltage_v"] for state in driven.bench.hands.state()["cells"]]
    assert scanned.volts == pytest.approx(truth, abs=1e-4)
    assert metered.volts[0] == pytest.approx(truth[-1], abs=1e-4)
    logged = [record["raw"] for record in driven.bench.truth("reply")]
    assert logged == [scanned.raw, metered.raw]


def test_supply_charges_reads_back_and_goes_off(driven: Driven) -> None:
    driven.bench.hands.post("/links/on")
    energise(driven.supply)
    state = driven.supply.read()
    driven.supply.output(False)
    after = driven.supply.read()

    assert (state.output_on, state.regulation, state.current_a) == (True, "CC", 14.4)
    assert driven.supply.read_protection() == Protection(ovp_v=3.75, ocp_a=15.0)
    assert (after.output_on, after.current_a) == (False, 0.0)
    assert [record["on"] for record in driven.bench.truth("relay")] == [True, False]
    assert driven.bench.truth("reply")[0]["raw"] == state.raw


def test_a_trip_is_named(driven: Driven) -> None:
    energise(driven.supply)
    driven.supply.protect(Protection(ovp_v=3.0, ocp_a=15.0))

    state = driven.supply.read()

    assert (state.output_on, state.tripped) == (False, "OVP")


def test_a_relay_board_is_held_and_released(tmp_path: Path) -> None:
    with inside(tmp_path, Folder(cells=[cell()], relay=True)) as bench:
        relays = cast(Relays, driver_of(bench, "relay", PATIENT_S))
        relays.prepare()

        relays.hold(1, 60.0)
        held = relays.read().closed
        relays.release(1)
        released = relays.read().closed
        relays.close()

        assert (set(held), set(released)) == ({1}, set())
        assert [record["closed"] for record in bench.truth("contactor")] == [True, False]


EVERY_ROLE = ["supply", "meter", "scanner", "load", "bms", "thermometer"]


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_silence_is_named_and_heals(tmp_path: Path, role: str) -> None:
    with inside(tmp_path, Folder(cells=[cell()], more=MORE)) as bench:
        bench.hands.fault(role, "silence")
        brief = driver_of(bench, role, BRIEF_S)
        with pytest.raises(InstrumentSilent):
            brief.identify()
        brief.close()

        bench.hands.fault(role, "none")

        patient = driver_of(bench, role, PATIENT_S)
        assert patient.identify().role == role
        patient.close()


READS: dict[str, Callable[[Any], Any]] = {
    "load": lambda load: replace(load.read(), raw=""),
    "bms": lambda bms: replace(bms.read(), raw=""),
    "thermometer": lambda thermometer: thermometer.measure().celsius[:1],
}


@pytest.mark.parametrize("fault", ["garbage", "half", "doubled", "one_behind", "late"])
@pytest.mark.parametrize("role", READS)
def test_a_spoilt_answer_never_shifts_a_number(tmp_path: Path, role: str, fault: str) -> None:
    with inside(tmp_path, Folder(cells=[cell()], more=MORE)) as bench:
        driver = driver_of(bench, role, 0.4)
        right = READS[role](driver)
        bench.hands.fault(role, fault)

        for _ in range(2):
            with suppress(BadReply, InstrumentSilent):
                assert READS[role](driver) == right

        assert bench.truth("spoilt") or fault == "one_behind"  # which was the same reading
        driver.close()
