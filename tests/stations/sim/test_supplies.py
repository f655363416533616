"""Every simulated supply through its production driver: one bench, one world, one set of faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stations.drivers.protocols import PowerSupply, Refused, WrongInstrument
from stations.sim.folder import Folder
from stations.values import Protection, Setpoint
from tests.stations.sim.driven import driver_of, driving
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, inside
from tests.wait import wait_until

# One of each language, and the Riden that counts finest.
SUPPLIES = ("riden_rd6018", "riden_rd6006p", "ea_ps_9080_60_t", "korad_ka3005p")
SETPOINT = Setpoint(voltage_v=3.65, current_a=4.0)


@dataclass(frozen=True)
class Driven:
    bench: Inside
    supply: PowerSupply

    def energise(self) -> None:
        self.bench.hands.post("/links/on")
        self.supply.prepare()
        if self.supply.ratings.has_protection:
            self.supply.protect(Protection(ovp_v=3.75, ocp_a=4.5))
        self.supply.apply(SETPOINT)
        self.supply.output(True)

    def relay(self) -> list[bool]:
        return [record["on"] for record in self.bench.truth("relay")]


@pytest.fixture(params=SUPPLIES)
def driven(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Driven]:
    folder = Folder(cells=[cell(soc=0.5)], supply_driver=request.param, speed=60.0)
    with inside(tmp_path, folder) as bench, driving(bench, "supply") as supply:
        yield Driven(bench, supply)


def test_charges_reads_back_and_goes_off(driven: Driven) -> None:
    driven.energise()
    state = driven.supply.read()
    driven.supply.output(False)
    after = driven.supply.read()

    assert (state.output_on, state.regulation) == (True, "CC")
    assert state.setpoint == SETPOINT
    assert state.current_a == pytest.approx(4.0, abs=0.05)
    truth = driven.bench.hands.state()["cells"][0]["voltage_v"]
    assert state.voltage_v == pytest.approx(truth, abs=0.1)  # 5 mohm of leads between them
    assert (after.output_on, after.current_a) == (False, 0.0)
    assert driven.relay() == [True, False]


def test_a_read_that_measured_is_in_the_truth_log(driven: Driven) -> None:
    driven.supply.read()

    assert {record["instrument"] for record in driven.bench.truth("reply")} == {"supply"}


def test_an_output_that_ignores_off_is_seen_on(driven: Driven) -> None:
    driven.energise()
    driven.bench.hands.fault("supply", "refuse_off")

    with suppress(Refused):  # some drivers ask at once, others leave it to the next read
        driven.supply.output(False)

    assert driven.supply.read().output_on
    assert driven.relay() == [True]


def test_one_that_lies_shows_off_and_stays_on(driven: Driven) -> None:
    driven.energise()
    driven.bench.hands.fault("supply", "feigns_off")
    driven.supply.output(False)

    state = driven.supply.read()

    assert (state.output_on, state.current_a) == (False, 0.0)
    assert driven.relay() == [True]


def test_one_that_keeps_its_set_point_is_refused(driven: Driven) -> None:
    driven.supply.prepare()
    driven.bench.hands.fault("supply", "ignores_set")

    with pytest.raises(Refused, match="kept"):
        driven.supply.apply(SETPOINT)


def test_one_that_restarts_is_off_with_other_levels(driven: Driven) -> None:
    driven.energise()

    driven.bench.hands.fault("supply", "restart")

    state = driven.supply.read()
    assert not state.output_on
    assert state.setpoint != SETPOINT


def test_another_unit_of_the_model_is_not_taken_for_it(driven: Driven) -> None:
    driven.supply.identify()
    driven.bench.hands.fault("supply", "stranger")
    driven.supply.reopen()

    with pytest.raises(WrongInstrument, match="found"):
        driven.supply.read()


@pytest.mark.parametrize("key", [key for key in SUPPLIES if "korad" not in key])
def test_a_trip_is_named(tmp_path: Path, key: str) -> None:
    folder = Folder(cells=[cell(soc=0.5)], supply_driver=key)
    with inside(tmp_path, folder) as bench, driving(bench, "supply") as supply:
        Driven(bench, supply).energise()
        supply.protect(Protection(ovp_v=3.0, ocp_a=4.5))

        state = supply.read()

        assert (state.output_on, state.tripped) == (False, "OVP")
        supply.protect(Protection(ovp_v=3.75, ocp_a=4.5))
        supply.output(True)
        assert (supply.read().output_on, supply.read().tripped) == (True, "")


def test_a_korad_trips_without_a_word(tmp_path: Path) -> None:
    folder = Folder(cells=[cell(soc=0.5)], supply_driver="korad_ka3005p")
    with inside(tmp_path, folder) as bench, driving(bench, "supply") as supply:
        driven = Driven(bench, supply)
        driven.energise()
        bench.supply.send(b"OCP1")
        wait_until(lambda: driven.relay() == [True, False], what="the trip")

        state = supply.read()

        assert (state.output_on, state.tripped) == (False, "")
        assert bench.truth("relay")[-1]["tripped"] == "OCP"


def test_an_ea_held_by_its_panel_refuses_in_words(tmp_path: Path) -> None:
    folder = Folder(cells=[cell(soc=0.5)], supply_driver="ea_ps_9080_60_t")
    with inside(tmp_path, folder) as bench:
        bench.hands.fault("supply", "local")
        supply: Any = driver_of(bench, "supply")

        with pytest.raises(Refused, match="LOCAL"):
            supply.prepare()

        supply.close()


def test_prepare_leaves_an_ea_that_nothing_switches_on_by_itself(tmp_path: Path) -> None:
    folder = Folder(
        cells=[cell(soc=0.5)], supply_driver="ea_ps_9080_60_t", supply={"boot_power": True}
    )
    with inside(tmp_path, folder) as bench, driving(bench, "supply") as supply:
        Driven(bench, supply).energise()

        bench.hands.fault("supply", "dark")
        bench.hands.fault("supply", "none")

        assert supply.read().output_on is False
