"""A supply that obeys too late, holds other values than it was given, or gives too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stations.bench import BenchError
from stations.clock import wall_now
from tests.faults.balancing import QUICK, balancing, join, reply_above, running
from tests.faults.guarded import (
    LIMITS,
    PROTECTION,
    SETPOINT,
    Guarded,
    guarded,
    next_event,
)
from tests.faults.matrix import Trial
from tests.stations.sim.harness import cell
from tests.wait import wait_until

NEARLY_FULL = [cell(soc=0.998)] * 4  # in the CV hold within a few seconds at 240 times


@pytest.mark.fault("22a", "ON is obeyed after its time-out", trials=3, limit_s=3.0)
@pytest.mark.parametrize("fault", ["late_on", "later_on"])  # while off is being proven, and after
def test_an_on_that_comes_late_is_found_and_switched_off(
    tmp_path: Path, trial: Trial, fault: str
) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.sim.hands.post("/links/on")
        runner.configure(SETPOINT, PROTECTION)
        bench.sim.hands.fault("supply", fault)

        with pytest.raises(BenchError):
            runner.energise()
        wait_until(lambda: len(bench.sim.truth("relay")) >= 2)

        on, off = bench.sim.truth("relay")[:2]
        trial.happened((on["on"], off["on"]) == (True, False))
        trial.off_after((wall(off) - wall(on)).total_seconds())
        wait_until(lambda: bench.link.status()["output"] == "off")
        assert datetime.fromisoformat(bench.link.status()["last_off"]["received_at"]) > wall(off)
        assert alarms(bench)


def wall(record: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(record["wall"])


def alarms(bench: Guarded) -> list[Mapping[str, Any]]:
    return [
        event
        for event in (*bench.events("alarm"), *bench.bench_events())
        if event["kind"] == "alarm"
    ]


@pytest.mark.fault(
    "28",
    "the set-point or a protection is not ours any more",
    trials=2,
    limit_s=3.0,
    in_ci=("panel-supply_setpoint", "panel_ovp-supply_protection"),
)
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("panel", "supply_setpoint"),
        ("panel_down", "supply_setpoint"),
        ("panel_ovp", "supply_protection"),
        ("restart", "found off"),
        ("creeps", "disagree"),
    ],
)
def test_a_supply_that_holds_other_values_ends_the_run_as_an_error(
    tmp_path: Path, trial: Trial, fault: str, cause: str
) -> None:
    with guarded(tmp_path, timing=QUICK) as bench, balancing(bench) as outcome:
        broken = wall_now()
        bench.sim.hands.fault("supply", fault)
        ended = outcome.result(timeout=30)

        trial.happened(bench.sim.truth("fault")[-1]["fault"] == fault)
        bench.wait_off(broken)
        trial.off_after(bench.off_since(broken))
        assert (ended.kind, cause in ended.reason) == ("ERROR", True), ended.reason


@pytest.mark.fault("28", "a new set-point is not taken", trials=5, limit_s=3.0)
def test_a_set_point_that_is_not_taken_switches_off(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault("supply", "ignores_set")

        sent = wall_now()
        with pytest.raises(BenchError, match="kept"):
            runner.adjust(replace(SETPOINT, current_a=10.0))

        asked = [r["value"] for r in bench.sim.truth("set") if r["register"] == 9]
        trial.happened(asked[-1] == 1000)
        bench.wait_off(sent)
        trial.off_after(bench.off_since(sent))


@pytest.mark.fault("29", "more volts than asked, above the limit", trials=5, limit_s=2.0)
def test_an_overshoot_above_the_limit_trips(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path, cells=NEARLY_FULL) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault("supply", "overshoot")

        event = next_event(runner)

        above = reply_above(bench, LIMITS.bank_voltage_max_v)
        trial.happened(above)
        trial.off_after(bench.off_since(above))
        assert (event.kind, "outside" in event.data["reason"]) == ("trip", True)


@pytest.mark.fault("29", "the supply's own OVP trips", trials=5, limit_s=2.0)
def test_a_device_that_trips_itself_is_a_trip_and_never_an_end(
    tmp_path: Path, trial: Trial
) -> None:
    """From the relay's opening to the guardian's word for it, which the journal has."""
    with guarded(tmp_path, timing=QUICK, cells=NEARLY_FULL) as bench, balancing(bench) as outcome:
        bench.sim.hands.fault("supply", "runaway")
        ended = outcome.result(timeout=60)

        opened = next(r for r in bench.sim.truth("relay") if r.get("tripped") == "OVP")
        trial.happened(opened)
        told = datetime.fromisoformat(bench.events("trip")[0]["received_at"])
        trial.off_after((told - wall(opened)).total_seconds())
        assert (ended.kind, "OVP" in ended.reason) == ("TRIPPED", True)
        assert not any("done" in record.remarks for record in ended.run.records)


@pytest.mark.fault("30", "OVP and OCP are not taken", trials=5)
def test_a_protection_that_is_not_taken_refuses_to_start(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path, timing=QUICK) as bench, running(bench) as outcome:
        bench.sim.hands.fault("supply", "ignores_protection")
        join(bench)
        ended = outcome.result(timeout=30)

        sent = [r["register"] for r in bench.sim.truth("set")]
        trial.happened(82 in sent)
        assert (ended.kind, "kept" in ended.reason) == ("ERROR", True)
        assert bench.sim.truth("relay") == []
        assert (18, 1) not in [(r["register"], r["value"]) for r in bench.sim.truth("set")]
