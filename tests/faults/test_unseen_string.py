"""B10: a string whose cells nobody sees, by the real runner through driver, guardian and wire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stations.procedures.actions import Outcome
from stations.procedures.steps import Program
from stations.sim.folder import Folder
from tests.faults.balancing import QUICK, STEP_S, running, taken_apart
from tests.faults.guarded import Guarded, guarded
from tests.faults.test_series import END_S, assemble
from tests.stations.procedures.test_unseen_precharge import NOT_SEEN, made
from tests.stations.test_virtual import record
from tests.wait import wait_until

SOC = (0.965, 0.90, 0.90, 0.90)


@contextmanager
def string(path: Path, soc: Sequence[float] = SOC, **bench: Any) -> Iterator[Guarded]:
    """Cells of 100 Ah behind a BMS without a wire: a supply, and a meter on all of them."""
    folder = Folder(
        cells=[{"capacity_ah": 100.0, "soc": z} for z in soc],
        speed=60.0,
        meter_driver="keysight_34461a_100v",
        scanner=False,
        wiring={"lead_ohm": 0.005},
        timing=QUICK,
        **bench,
    )
    with guarded(path, folder=folder) as up:
        yield up


@contextmanager
def charging(bench: Guarded, program: Program | None = None) -> Iterator[Future[Outcome]]:
    with running(bench, program or made()) as outcome:
        assemble(bench, answer=3.65)
        wait_until(bench.sim.output_is_on, within_s=STEP_S)
        yield outcome


def test_a_string_is_charged_until_its_bms_opens_and_no_cell_is_told(tmp_path: Path) -> None:
    with string(tmp_path) as bench, charging(bench) as running_outcome:
        outcome = taken_apart(bench, running_outcome)

    assert outcome.kind == "FINISHED", outcome.reason
    done = record(outcome, "precharge")
    assert done.remarks[0].startswith("the BMS opened")
    assert done.remarks[1] == NOT_SEEN
    assert not bench.sim.output_is_on()
    samples = bench.samples()
    assert {(tuple(s["cell_voltages_v"]), s.get("bms")) for s in samples} == {((), None)}
    assert max(s["voltage_v"] for s in samples) < 14.7


def test_leads_that_come_off_on_the_plateau_are_no_bms_that_opened(tmp_path: Path) -> None:
    with string(tmp_path, (0.5, 0.4, 0.4, 0.4)) as bench, charging(bench) as running_outcome:
        bench.sim.hands.post("/leads/off")
        outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind == "ERROR"
    assert "a lead is off, or the BMS opened early" in outcome.reason
    assert not bench.sim.output_is_on()


def test_the_meter_on_the_string_stops_what_goes_above_its_cells_together(tmp_path: Path) -> None:
    bench_of: dict[str, Any] = {
        "bms": {"over_v": 4.5, "release_v": 4.4},  # it never opens
        "meters": {"meter_offset_v": 0.15},
    }
    with string(tmp_path, (0.975,) * 4, **bench_of) as bench, charging(bench) as running_outcome:
        outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind == "TRIPPED"
    assert "bank at 14.70" in outcome.reason
    assert bench.events("trip")
    assert not bench.sim.output_is_on()


@pytest.mark.parametrize("fault", ["no_contact", "wrong_cell", "silence", "stuck"])
def test_a_meter_that_is_lost_while_current_flows_ends_it_off(tmp_path: Path, fault: str) -> None:
    with string(tmp_path) as bench, charging(bench) as running_outcome:
        bench.sim.hands.fault("meter", fault)
        outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind in ("TRIPPED", "ERROR", "INTERRUPTED")
    assert not bench.sim.output_is_on()


@pytest.mark.parametrize("presence_s", [None, 1801.0])
def test_the_guardian_opens_no_session_for_it_where_nobody_has_to_be_there(
    tmp_path: Path, presence_s: float | None
) -> None:
    with string(tmp_path) as bench:
        with pytest.raises(Exception, match="says at least every 30 min that they are there"):
            bench.session(limits=made().limits, presence_s=presence_s)

        assert bench.sim.truth("relay") == []


def test_a_bench_that_sees_the_cells_does_not_charge_them_unseen(tmp_path: Path) -> None:
    with (
        string(tmp_path, more=("jbd_bms",)) as bench,
        pytest.raises(Exception, match="this bench shows each of 4 cells"),
    ):
        bench.session(limits=made().limits, presence_s=900.0)


def test_who_says_nothing_in_time_leaves_the_string_off(tmp_path: Path) -> None:
    program = made()
    assert program.presence is not None
    soon = replace(program.presence, every=program.presence.every / 150)  # 6 s
    with (
        string(tmp_path, (0.5, 0.4, 0.4, 0.4)) as bench,
        charging(bench, replace(program, presence=soon)) as running_outcome,
    ):
        outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind == "INTERRUPTED"
    assert "nobody confirmed to be at the bench" in outcome.reason
    assert not bench.sim.output_is_on()
