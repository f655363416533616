"""A load that holds a cell at its cut-off: set, read back, and off where it does not hold it (B9).

By the simulated ITECH over its pty; what counts is when it no longer drew, by the truth log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.guardian_client import GuardianBench
from stations.sim.folder import Folder, Value
from stations.values import Cutoff, Draw
from tests.faults.guarded import DRAW, DRAWING, Guarded, guarded, next_event, next_reading
from tests.faults.matrix import Trial
from tests.stations.sim.harness import cell

INPUT, MODE, MOST, VOLTS, FUNCTION, TIMED = 0x21, 0x28, 0x24, 0x2C, 0x5D, 0x52
HELD_V = 2.90
HOLD = Draw(10.0, Cutoff(HELD_V, 36_000.0), holds=True)
LIMITS = replace(DRAWING, bank_voltage_min_v=2.80, cell_voltage_min_v=2.50)


@contextmanager
def holding(
    path: Path, *, soc: float = 0.03, timing: Mapping[str, Value] | None = None
) -> Iterator[tuple[Guarded, GuardianBench]]:
    """A runner whose load holds one cell that is nearly empty, seen by it."""
    folder = Folder(
        cells=[cell(soc=soc)],
        speed=60.0,
        wiring={"lead_ohm": 0.005},
        more=("itech_it8514c",),
        timing=timing or {},
    )
    with guarded(path, folder=folder) as bench:
        runner = bench.session(limits=LIMITS)
        bench.discharge(runner, HOLD)
        while not next_reading(runner).output_on:
            continue
        yield bench, runner


def commands(bench: Guarded) -> list[int]:
    return [r["command"] for r in bench.sim.truth("set") if r["instrument"] == "load"]


def test_a_load_holds_the_cell_until_it_gives_little(tmp_path: Path) -> None:
    """The drop over the leads vanishes with the current: the cell never sees less than is held."""
    with holding(tmp_path) as (bench, runner):
        reading = next_reading(runner)
        while -reading.supply_current_a > 3.0:
            reading = next_reading(runner)

        assert (reading.regulation, reading.flags) == ("CV", frozenset())
        assert reading.supply_voltage_v == pytest.approx(HELD_V, abs=0.002)
        assert 0.0 < reading.voltage_v - HELD_V < 0.020
        assert runner.off().supply_current_a == 0.0
        metered = [r for r in bench.sim.truth("reply") if r["instrument"] == "meter"]
        assert min(float(r["raw"]) for r in metered) >= HELD_V - 0.001
        runner.close(kind="STOPPED", reason="done")


def test_level_limit_and_mode_are_set_and_read_back_before_it_goes_on(tmp_path: Path) -> None:
    with holding(tmp_path) as (bench, runner):
        sent = commands(bench)

        on = len(sent) - 1 - sent[::-1].index(INPUT)
        assert {MODE, MOST, VOLTS, FUNCTION, TIMED} <= set(sent[on - 7 : on])
        assert [dict(e["data"]) for e in bench.events("configured")] == [
            {
                "draw": {
                    "current_a": 10.0,
                    "cutoff": {"voltage_v": HELD_V, "duration_s": 36_000.0},
                    "holds": True,
                }
            }
        ]
        runner.off()


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (replace(HOLD, current_a=43.0), "not within 0 … 42 A"),
        (replace(HOLD, cutoff=Cutoff(2.79, 3600.0)), "below the 2.8 V of this session"),
        (replace(HOLD, cutoff=Cutoff(float("nan"), 3600.0)), r"would not end|must be|voltage_v"),
        (replace(HOLD, cutoff=Cutoff(HELD_V, 1e9)), "duration"),
    ],
)
def test_a_hold_outside_the_sessions_limits_is_refused(
    tmp_path: Path, draw: Draw, words: str
) -> None:
    folder = Folder(cells=[cell(soc=0.03)], more=("itech_it8514c",))
    with guarded(tmp_path, folder=folder) as bench:
        runner = bench.session(limits=LIMITS)

        with pytest.raises(BenchError, match=words):
            runner.configure_load(draw)
        with pytest.raises(BenchError, match="configure first"):
            runner.energise()

        assert bench.sim.truth("load") == []


def test_after_a_hold_the_next_draw_is_a_constant_current_with_its_own_cut_off(
    tmp_path: Path,
) -> None:
    with holding(tmp_path) as (_, runner):
        runner.off()
        runner.configure_load(replace(DRAW, current_a=12.0))
        runner.energise()
        while not (reading := next_reading(runner)).output_on:
            continue

        assert reading.regulation == "CC"
        assert reading.supply_current_a == pytest.approx(-12.0, abs=0.02)
        runner.off()


@pytest.mark.fault("28", "the load does not hold its voltage, and draws on", trials=5, limit_s=3.0)
def test_a_load_that_does_not_hold_is_tripped_by_the_guardian_alone(
    tmp_path: Path, trial: Trial
) -> None:
    """The runner does nothing; the cell's minimum is the guardian's own, on the meter."""
    with holding(tmp_path) as (bench, runner):
        while -next_reading(runner).supply_current_a > 8.0:
            continue
        bench.sim.hands.fault("load", "runaway")

        event = next_event(runner)

        metered = [r for r in bench.sim.truth("reply") if r["instrument"] == "meter"]
        low = [r["wall"] for r in metered if float(r["raw"]) < LIMITS.bank_voltage_min_v]
        trial.happened(low)
        trial.off_after(bench.off_since(datetime.fromisoformat(low[0])))
        assert (event.kind, "outside 2.80" in event.data["reason"]) == ("trip", True)


def test_a_load_that_went_back_to_another_voltage_is_off_within_seconds(tmp_path: Path) -> None:
    """Somebody at its panel: what it holds is asked for again each second."""
    with holding(tmp_path) as (bench, runner):
        bench.sim.hands.fault("load", "panel_hold")

        event = next_event(runner)

        assert (event.kind, "load_protection" in event.data["reason"]) == ("safe_hold", True)
        assert not bench.sim.output_is_on()
