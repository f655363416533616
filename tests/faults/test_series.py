"""B10: a series string by the real runner through driver, guardian and wire, and what can go
wrong with its BMS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.procedures.actions import Outcome
from stations.procedures.steps import Program
from stations.runner import begun, run
from stations.sim.folder import Folder
from stations.virtual import VirtualBench
from stations.virtual_instruments import Instruments
from tests.faults.balancing import QUICK, STEP_S, running, steps, taken_apart
from tests.faults.guarded import Guarded, guarded
from tests.stations.procedures.test_series_precharge import ASSEMBLED, made
from tests.stations.test_virtual import record
from tests.wait import wait_until

SOC = (0.975, 0.96, 0.96, 0.96)
END_S = 60.0


@contextmanager
def string(
    path: Path, soc: Sequence[float] = SOC, *, scanner: bool = False, **bench: Any
) -> Iterator[Guarded]:
    """Cells of 100 Ah on a table with a BMS on a wire."""
    folder = Folder(
        cells=[{"capacity_ah": 100.0, "soc": z} for z in soc],
        speed=60.0,
        meter_driver="keysight_34461a_100v",
        scanner=scanner,
        more=("jbd_bms",),
        wiring={"lead_ohm": 0.005},
        timing=QUICK,
        **bench,
    )
    with guarded(path, folder=folder) as up:
        yield up


def assemble(bench: Guarded, **answer: float) -> None:
    wait_until(lambda: "assemble" in steps(bench), within_s=STEP_S)
    bench.sim.hands.post("/string/on")
    data: Mapping[str, Any] = {"step": "assemble", **answer}
    bench.link.act(run="r1", act="assembled", kind="confirm", data=data)


@contextmanager
def charging(bench: Guarded, program: Program | None = None) -> Iterator[Future[Outcome]]:
    with running(bench, program or made(scanner=False)) as outcome:
        assemble(bench)
        wait_until(bench.sim.output_is_on, within_s=STEP_S)
        yield outcome


def test_a_string_is_charged_whole_and_as_on_the_virtual_bench(tmp_path: Path) -> None:
    """The two agree in amp-hours within 2 %: a sample of the simulated bench is 3 s of process
    time, in which 14.4 A are 0.012 Ah, and the BMS tells a full cell up to a millivolt late."""
    cells = Bank([cell_of(100.0)] * 4, Wiring(lead_ohm=0.005), soc=SOC, linked=False, fed=False)
    instruments = Instruments(has_scanner=False)
    virtual = VirtualBench(cells, person=ASSEMBLED, sample_s=3.0, instruments=instruments)
    expected = run(begun(made(scanner=False), virtual.clock.now()), virtual)

    with string(tmp_path) as bench, charging(bench) as running_outcome:
        outcome = taken_apart(bench, running_outcome)

    assert outcome.kind == "FINISHED", outcome.reason
    done = record(outcome, "precharge")
    assert done.remarks[0].startswith("cell 1 is full: 3.65")
    ah = dict(done.facts)["charge_ah"]
    assert ah == pytest.approx(dict(record(expected, "precharge").facts)["charge_ah"], rel=0.02)
    assert not bench.sim.output_is_on()
    seen = [reading["bms"] for reading in bench.samples() if reading["output_on"]]
    assert {(bms["cell_over_v"], bms["charge_open"]) for bms in seen} == {(3.65, False)}


def test_a_scanner_tells_the_cells_where_it_is_wired_for_them(tmp_path: Path) -> None:
    with string(tmp_path, scanner=True) as bench, charging(bench, made()) as running_outcome:
        outcome = taken_apart(bench, running_outcome)

    assert outcome.kind == "FINISHED", outcome.reason
    told = [reading["cell_voltages_v"][0] for reading in bench.samples()]
    assert any(round(volts, 3) != volts for volts in told)  # finer than a BMS tells


def test_a_bms_that_opens_early_ends_off_and_is_named(tmp_path: Path) -> None:
    with string(tmp_path) as bench:
        bench.sim.hands.fault("bms", "opens_early")
        with charging(bench) as running_outcome:
            outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind == "ERROR"
    assert "the BMS opened early, it says cell OV: the highest was cell 1 at 3.4" in outcome.reason
    assert not bench.sim.output_is_on()


def test_a_bms_that_never_opens_is_not_what_ends_the_charge(tmp_path: Path) -> None:
    with string(tmp_path) as bench:
        bench.sim.hands.fault("bms", "never_opens")
        with charging(bench) as running_outcome:
            outcome = taken_apart(bench, running_outcome)

    assert outcome.kind == "FINISHED", outcome.reason
    assert dict(record(outcome, "precharge").facts)["peak_cell_v"] < 3.67


@pytest.mark.parametrize("fault", ["silence", "garbage", "half", "late"])
def test_a_bms_that_is_not_understood_while_current_flows_ends_it_off(
    tmp_path: Path, fault: str
) -> None:
    with string(tmp_path) as bench, charging(bench) as running_outcome:
        bench.sim.hands.fault("bms", fault)
        outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind in ("ERROR", "INTERRUPTED")
    last = [set(reading["flags"]) for reading in bench.samples()][-1]
    assert last & {"bms_silent", "bms_invalid"}
    assert not bench.sim.output_is_on()


def test_a_bms_that_stands_still_is_doubted_by_the_meter_on_its_string(tmp_path: Path) -> None:
    with string(tmp_path) as bench, charging(bench) as running_outcome:
        bench.sim.hands.fault("bms", "stuck")
        outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind == "ERROR"
    assert "bms_stuck" in outcome.reason or "disagree" in outcome.reason
    assert not bench.sim.output_is_on()


def test_a_bms_that_lives_on_its_string_alone_is_met_when_that_is_built(tmp_path: Path) -> None:
    with string(tmp_path) as bench:
        bench.sim.hands.fault("bms", "silence")
        with running(bench, made(scanner=False)) as running_outcome:
            wait_until(lambda: "assemble" in steps(bench), within_s=STEP_S)
            bench.sim.hands.fault("bms", "none")
            assemble(bench)
            outcome = taken_apart(bench, running_outcome)

    assert outcome.kind == "FINISHED", outcome.reason


def test_a_bms_that_is_set_otherwise_lets_no_current_flow(tmp_path: Path) -> None:
    with (
        string(tmp_path, bms={"over_v": 3.75}) as bench,
        running(bench, made(scanner=False)) as running_outcome,
    ):
        assemble(bench)
        outcome = running_outcome.result(timeout=END_S)

    assert outcome.kind == "REFUSED"
    assert "The BMS opens when a cell is at 3.750 V" in outcome.reason
    assert bench.sim.truth("relay") == []


def test_the_guardian_opens_no_session_for_a_string_that_nobody_sees(tmp_path: Path) -> None:
    limits = replace(made(8).limits, cell_voltage_min_v=2.5)
    folder = Folder(cells=[{"capacity_ah": 100.0, "soc": 0.9}] * 4, scanner=True)
    with guarded(tmp_path, folder=folder) as bench, pytest.raises(Exception, match="8 cells"):
        bench.session(limits=limits)
