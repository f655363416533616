"""The physics under the process clock, without any server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stations.clock import ClockWriter, SharedClock
from stations.model.bank import Bank
from stations.model.cell import CellParameters
from stations.sim.circuit import Impossible
from stations.sim.output import Output
from stations.sim.sink import Sink
from stations.sim.truth import TruthLog
from stations.sim.world import World
from tests.wait import wait_until

CHARGING = Output(voltage_v=3.65, current_a=14.4, ovp_v=3.75, ocp_a=15.0)


class Lab:
    """A world with its files."""

    def __init__(
        self, folder: Path, *, soc: float = 0.95, objection: str = "", contactor: bool = False
    ) -> None:
        self.path = folder
        writer = ClockWriter(folder / "clock")
        self.clock = SharedClock(folder / "clock")
        self.log = TruthLog(folder / "truth.jsonl")
        self.bank = Bank([CellParameters()] * 4, soc=[soc] * 4, linked=False, fed=False)
        self.world = World(
            self.bank,
            objection=objection,
            output=CHARGING,
            clock=writer,
            truth=self.log,
            speed=1000.0,
            contactor=contactor,
        )

    def relay(self) -> list[bool]:
        return [record["on"] for record in self.records("relay")]

    def contactor(self) -> list[bool]:
        return [record["closed"] for record in self.records("contactor")]

    def records(self, kind: str) -> list[dict[str, Any]]:
        lines = map(json.loads, (self.path / "truth.jsonl").read_text().splitlines())
        return [line for line in lines if line["kind"] == kind]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.world.close()
    lab.log.close()


def test_time_runs_fast_only_while_the_relay_is_closed(lab: Lab) -> None:
    speeds = [lab.clock.speed]
    for on in (True, False):
        lab.world.switch(on=on)
        speeds.append(lab.clock.speed)

    assert speeds == [1.0, 1000.0, 1.0]
    assert lab.relay() == [True, False]


def test_moving_the_relay_where_it_is_changes_nothing(lab: Lab) -> None:
    lab.world.switch(on=False)

    assert lab.relay() == []


def test_charge_follows_the_process_clock(lab: Lab) -> None:
    lab.world.connect(links=True, leads=True)
    lab.world.switch(on=True)
    began = lab.world.see()

    lab.world.wait(100.0)

    seen = lab.world.see()
    charge_ah = 14.4 * (seen.at_s - began.at_s) / 3600
    assert seen.at_s - began.at_s >= 100.0
    assert seen.charge_ah - began.charge_ah == pytest.approx(charge_ah, rel=1e-6)
    gained = sum(seen.socs) - sum(began.socs)
    assert gained * 200 == pytest.approx(charge_ah, rel=0.01)


def test_cells_share_the_current_when_joined_and_rest_when_alone(lab: Lab) -> None:
    lab.world.connect(links=True, leads=True)
    lab.world.switch(on=True)
    assert lab.world.see().cell_currents == pytest.approx([3.6] * 4)

    lab.world.connect(links=False, leads=False)

    seen = lab.world.see()
    assert seen.cell_currents == pytest.approx([0.0] * 4)
    assert seen.current_a == 0.0


def test_a_lead_that_falls_off_stops_the_current(lab: Lab) -> None:
    lab.world.connect(links=True, leads=True)
    lab.world.switch(on=True)

    lab.world.connect(links=True, leads=False)

    assert lab.world.see().current_a == 0.0
    assert lab.world.see().terminal_v == pytest.approx(3.65)


def test_leads_do_not_hold_without_links(lab: Lab) -> None:
    with pytest.raises(Impossible, match="links on first"):
        lab.world.connect(links=False, leads=True)


def test_a_level_above_its_protection_trips(lab: Lab) -> None:
    lab.world.switch(on=True)

    lab.world.adjust(lambda output: replace(output, ovp_v=3.6))

    assert (lab.world.see().output.on, lab.world.see().output.tripped) == (False, "OVP")
    assert lab.relay() == [True, False]
    assert lab.clock.speed == 1.0


def test_the_ticker_moves_the_physics_on_when_nobody_looks(lab: Lab) -> None:
    lab.world.connect(links=True, leads=True)
    lab.world.switch(on=True)
    lab.world.start()

    wait_until(lambda: lab.bank.states.soc[0] > 0.9501, what="charge that nobody asked about")


def test_a_load_discharges_the_bank_at_the_fast_clock(lab: Lab) -> None:
    lab.world.connect(links=True, leads=True)
    lab.world.adjust_load(lambda sink: replace(sink, current_a=80.0))
    before = lab.world.see()
    lab.world.switch_load(on=True)
    began = lab.world.see()

    lab.world.wait(100.0)

    seen = lab.world.see()
    assert seen.speed == 1000.0
    assert (seen.drawn_a, seen.current_a, seen.bank_a) == pytest.approx((80.0, 0.0, -80.0))
    assert seen.battery_v < before.battery_v
    gone = sum(began.socs) - sum(seen.socs)
    assert gone * 200 == pytest.approx(80.0 * (seen.at_s - began.at_s) / 3600, rel=1e-3)


def test_a_load_ends_at_its_own_cut_off(lab: Lab) -> None:
    """B9: nobody has to tell it."""
    lab.world.connect(links=True, leads=True)
    rested_v = lab.world.see().battery_v
    lab.world.adjust_load(lambda sink: replace(sink, current_a=80.0, cutoff_v=rested_v - 0.8))
    lab.world.switch_load(on=True)
    assert lab.world.see().sink.on

    lab.world.adjust_load(lambda sink: replace(sink, cutoff_v=rested_v - 0.1))

    seen = lab.world.see()
    assert (seen.sink.on, seen.drawn_a, seen.speed) == (False, 0.0, 1.0)
    assert [record["drawing"] for record in lab.records("load")] == [True, False]


def test_a_load_ends_when_its_time_is_over(lab: Lab) -> None:
    lab.world.connect(links=True, leads=True)
    lab.world.adjust_load(lambda sink: replace(sink, current_a=8.0, duration_s=60.0))
    lab.world.switch_load(on=True)
    began_s = lab.world.see().sink.since_s

    lab.world.wait(70.0)

    seen = lab.world.see()
    assert not seen.sink.on
    assert 60.0 <= seen.sink.since_s - began_s <= 62.0


@pytest.mark.parametrize(("mode", "drawn_a"), [("CW", 10.0), ("CR", 5.0), ("CV", 0.0)])
def test_a_load_has_its_other_modes(lab: Lab, mode: str, drawn_a: float) -> None:
    lab.world.connect(links=True, leads=True)
    levels = Sink(mode=mode, voltage_v=3.6, power_w=33.0, resistance_ohm=0.66)
    lab.world.adjust_load(lambda _: levels)

    lab.world.switch_load(on=True)

    assert lab.world.see().drawn_a == pytest.approx(drawn_a, rel=0.05)


def test_a_load_on_a_bank_that_is_charged_takes_its_share_from_the_supply(lab: Lab) -> None:
    lab.world.connect(links=True, leads=True)
    lab.world.switch(on=True)
    lab.world.adjust_load(lambda sink: replace(sink, current_a=4.4))

    lab.world.switch_load(on=True)

    seen = lab.world.see()
    assert (seen.current_a, seen.drawn_a, seen.bank_a) == pytest.approx((14.4, 4.4, 10.0))


def test_a_load_without_leads_draws_nothing(lab: Lab) -> None:
    lab.world.adjust_load(lambda sink: replace(sink, current_a=80.0))

    lab.world.switch_load(on=True)

    assert lab.world.see().drawn_a == 0.0


def test_closing_opens_the_relay_and_lets_waiters_go(lab: Lab) -> None:
    lab.world.switch(on=True)
    waiter = threading.Thread(target=lab.world.wait, args=(1e9,))
    waiter.start()

    lab.world.close()

    waiter.join(timeout=5)
    assert not waiter.is_alive()
    assert lab.relay()[-1] is False


def test_the_relay_opens_even_when_the_physics_failed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.world.switch(on=True)
    monkeypatch.setattr(lab.bank, "advance", lambda *_: 1 / 0)

    lab.world.close()

    assert lab.relay() == [True, False]


@pytest.fixture
def parted(tmp_path: Path) -> Iterator[Lab]:
    """A lab with a contactor, its bank joined and its leads on."""
    lab = Lab(tmp_path, contactor=True)
    lab.world.connect(links=True, leads=True)
    yield lab
    lab.world.close()
    lab.log.close()


def test_an_open_contactor_keeps_the_current_from_the_bank(parted: Lab) -> None:
    parted.world.switch(on=True)

    seen = parted.world.see()

    assert (seen.contactor, seen.current_a, parted.clock.speed) == ("open", 0.0, 1.0)
    assert seen.terminal_v == pytest.approx(3.65)
    assert seen.leads


def test_current_flows_and_time_runs_while_relay_and_contactor_are_closed(parted: Lab) -> None:
    parted.world.switch(on=True)
    speeds = []
    for closed in (True, False):
        parted.world.move_contactor(closed=closed)
        speeds.append((parted.clock.speed, parted.world.see().current_a))

    assert speeds == [(1000.0, pytest.approx(14.4)), (1.0, 0.0)]
    assert parted.contactor() == [True, False]
    assert parted.relay() == [True]


def test_closing_opens_the_contactor_too(parted: Lab) -> None:
    parted.world.move_contactor(closed=True)

    parted.world.close()

    assert parted.contactor() == [True, False]


def test_cells_that_must_not_be_joined_are_not(tmp_path: Path) -> None:
    lab = Lab(tmp_path, objection="cell 2 lies the wrong way round")

    with pytest.raises(Impossible, match="cell 2"):
        lab.world.connect(links=True, leads=True)

    lab.world.connect(links=False, leads=False)
    lab.world.close()
    lab.log.close()
