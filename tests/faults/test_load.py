"""The load is a second thing that can be on: fenced, bounded, proven off like the supply (F1, B16).

By the simulated ITECH over its pty; what counts is when it no longer drew, by the truth log.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stations.bench import BenchError
from stations.clock import wall_now
from stations.guardian_client import GuardianBench
from stations.sim.folder import Folder, Value
from stations.values import Cutoff, Draw
from tests.faults.guarded import (
    DRAW,
    DRAWING,
    LIMITS,
    PROTECTION,
    SETPOINT,
    Guarded,
    charging_runner,
    guarded,
    next_event,
    next_reading,
)
from tests.faults.matrix import Trial
from tests.stations.sim.harness import cell
from tests.wait import wait_until

INPUT, LOWEST, FUNCTION, TIMER, TIMED = 0x21, 0x4E, 0x5D, 0x50, 0x52
MOST, LEVEL, MODE = 0x24, 0x2A, 0x28


def bench_with(
    *, soc: float = 0.5, relay: bool = False, timing: Mapping[str, Value] | None = None
) -> Folder:
    return Folder(
        cells=[cell(soc=soc)] * 4,
        speed=60.0,
        wiring={"lead_ohm": 0.005},
        relay=relay,
        more=("itech_it8514c",),
        timing=timing or {},
    )


@contextmanager
def drawing(path: Path, **folder: Any) -> Iterator[tuple[Guarded, GuardianBench]]:
    """A runner that draws 40 A, seen by it."""
    with guarded(path, folder=bench_with(**folder)) as bench:
        runner = bench.session(limits=DRAWING)
        bench.discharge(runner)
        while not next_reading(runner).output_on:
            continue
        yield bench, runner


def commands(bench: Guarded) -> list[int]:
    return [r["command"] for r in bench.sim.truth("set") if r["instrument"] == "load"]


def test_a_load_draws_what_was_asked_and_is_proven_off(tmp_path: Path) -> None:
    with drawing(tmp_path) as (bench, runner):
        reading = next_reading(runner)

        proof = runner.off()

        assert reading.supply_current_a == pytest.approx(-40.0, abs=0.02)
        assert reading.voltage_v - reading.supply_voltage_v == pytest.approx(0.2, abs=0.03)
        assert (reading.regulation, reading.flags) == ("CC", frozenset())
        assert proof.supply_current_a == 0.0
        assert not bench.sim.output_is_on()
        assert bench.sim.truth("relay") == []  # the supply stayed off
        runner.close(kind="STOPPED", reason="done")


def test_its_own_ends_and_its_current_are_set_and_read_back_before_it_goes_on(
    tmp_path: Path,
) -> None:
    with drawing(tmp_path) as (bench, runner):
        sent = commands(bench)

        on = len(sent) - 1 - sent[::-1].index(INPUT)
        assert sent[on - 7 : on + 1] == [LOWEST, FUNCTION, TIMER, TIMED, MOST, LEVEL, MODE, INPUT]
        told = [dict(e["data"]) for e in bench.events("configured")]
        assert told == [
            {"draw": {"current_a": 40.0, "cutoff": {"voltage_v": 2.2, "duration_s": 3600.0}}}
        ]
        runner.off()


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (replace(DRAW, current_a=43.0), "not within 0 … 42 A"),
        (replace(DRAW, current_a=0.0), "not within"),
        (replace(DRAW, cutoff=Cutoff(0.0, 60.0)), "would not end"),
        (replace(DRAW, cutoff=Cutoff(2.2, 1e9)), "duration"),
    ],
)
def test_a_draw_outside_the_sessions_limits_is_refused(
    tmp_path: Path, draw: Draw, words: str
) -> None:
    with guarded(tmp_path, folder=bench_with()) as bench:
        runner = bench.session(limits=DRAWING)

        with pytest.raises(BenchError, match=words):
            runner.configure_load(draw)
        with pytest.raises(BenchError, match="configure first"):
            runner.energise()

        assert bench.sim.truth("load") == []
        runner.close(kind="REFUSED", reason=words)


def test_a_session_that_may_draw_nothing_draws_nothing(tmp_path: Path) -> None:
    with guarded(tmp_path, folder=bench_with()) as bench:
        runner = bench.session(limits=LIMITS)

        with pytest.raises(BenchError, match="not within 0 … 0 A"):
            runner.configure_load(DRAW)


def test_a_bench_without_a_load_says_so(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session(limits=DRAWING)

        with pytest.raises(BenchError, match="no load"):
            runner.configure_load(DRAW)


def test_supply_and_load_are_never_on_together(tmp_path: Path) -> None:
    with drawing(tmp_path) as (bench, runner):
        with pytest.raises(BenchError, match="proven off"):
            runner.configure(SETPOINT, PROTECTION)
        with pytest.raises(BenchError, match="on already"):
            runner.energise()
        with pytest.raises(BenchError, match="not adjusted"):
            runner.adjust(SETPOINT)
        runner.off()
        runner.configure(SETPOINT, PROTECTION)
        runner.energise()
        with pytest.raises(BenchError, match="proven off"):
            runner.configure_load(DRAW)

        moves = [(r["kind"], r.get("on", r.get("drawing"))) for r in bench.sim.truth()]
        moved = [move for move in moves if move[0] in ("relay", "load")]
        assert moved == [("load", True), ("load", False), ("relay", True)]
        runner.off()


@pytest.mark.fault("28", "somebody switches the load on beside the supply", trials=5, limit_s=3.0)
def test_a_load_switched_on_by_hand_ends_a_charge(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path, folder=bench_with()) as bench:
        runner = bench.session(limits=DRAWING)
        bench.charge(runner)

        pressed = wall_now()
        bench.sim.hands.fault("load", "key_on")
        event = next_event(runner)

        trial.happened(bench.sim.truth("load")[0]["drawing"])
        trial.off_after(bench.off_since(pressed))
        assert (event.kind, "the load was found on" in event.data["reason"]) == ("safe_hold", True)


def test_a_load_switched_on_by_hand_keeps_the_supply_off(tmp_path: Path) -> None:
    """Also between two samples: it is looked at just before the supply's ON."""
    with guarded(tmp_path, folder=bench_with(timing={"sample_s": 2.0})) as bench:
        runner = bench.session(limits=DRAWING)
        bench.sim.hands.post("/links/on")
        runner.configure(SETPOINT, PROTECTION)
        next_reading(runner)

        bench.sim.hands.fault("load", "key_on")
        with pytest.raises(BenchError, match=r"load reads back on|asked to be off|has ended"):
            runner.energise()

        assert bench.sim.truth("relay") == []


@pytest.mark.fault("28", "somebody turns the load's current up", trials=5, limit_s=3.0)
def test_a_load_that_draws_more_than_was_asked_is_switched_off(
    tmp_path: Path, trial: Trial
) -> None:
    with drawing(tmp_path) as (bench, runner):
        turned = wall_now()
        bench.sim.hands.fault("load", "panel_amps")

        event = next_event(runner)

        trial.happened(bench.sim.truth("fault")[-1]["fault"] == "panel_amps")
        trial.off_after(bench.off_since(turned))
        assert (event.kind, "45.00 A, above 42.00 A" in event.data["reason"]) == ("trip", True)


@pytest.mark.fault("2", "kill -9 of the runner while it discharges", trials=5, limit_s=5.0)
def test_kill_9_of_the_runner_stops_the_draw(tmp_path: Path, trial: Trial) -> None:
    with (
        guarded(tmp_path, folder=bench_with()) as bench,
        charging_runner(bench, does="draw") as runner,
    ):
        killed = wall_now()
        runner.kill()

        trial.happened(runner.wait(timeout=10) == -signal.SIGKILL)
        bench.wait_off(killed)
        trial.off_after(bench.off_since(killed))
        wait_until(lambda: bench.journal()[-1].kind == "close")
        assert bench.journal()[-1].body["outcome"]["kind"] == "INTERRUPTED"


def stopped_by_a_person(bench: Guarded, runner: GuardianBench) -> None:
    assert bench.link.stop(reason="enough")["output"] == "off"


def lease_lapsed(bench: Guarded, runner: GuardianBench) -> None:
    bench.link.lease(token=bench.token, valid_s=0.3)


def overtaken(bench: Guarded, runner: GuardianBench) -> None:
    bench.session(limits=DRAWING)


def asked_to_end(bench: Guarded, runner: GuardianBench) -> None:
    bench.process.terminate()


@pytest.mark.parametrize("cause", [stopped_by_a_person, lease_lapsed, overtaken, asked_to_end])
def test_whatever_ends_a_session_stops_the_draw(
    tmp_path: Path, cause: Callable[[Guarded, GuardianBench], None]
) -> None:
    with drawing(tmp_path) as (bench, runner):
        began = wall_now()
        cause(bench, runner)
        if cause is lease_lapsed:
            next_event(runner)

        bench.wait_off(began, within_s=3.0)


def test_the_cut_off_is_crossed_and_the_runner_does_nothing(tmp_path: Path) -> None:
    """The guardian's own envelope: the bank's minimum, on the independent meter."""
    with guarded(tmp_path, folder=bench_with(soc=0.03)) as bench:
        limits = replace(DRAWING, bank_voltage_min_v=2.80, cell_voltage_min_v=2.50)
        runner = bench.session(limits=limits)
        bench.discharge(runner)

        event = next_event(runner)

        assert (event.kind, "outside 2.80" in event.data["reason"]) == ("trip", True)
        assert not bench.sim.output_is_on()
        low = [float(r["raw"]) for r in bench.sim.truth("reply") if r["instrument"] == "meter"]
        assert min(low) > 2.6


def test_a_load_that_ends_by_itself_is_no_end_of_the_program(tmp_path: Path) -> None:
    with guarded(tmp_path, folder=bench_with(soc=0.03)) as bench:
        runner = bench.session(limits=DRAWING)
        bench.discharge(runner, replace(DRAW, cutoff=Cutoff(2.75, 3600.0)))

        event = next_event(runner)

        assert (event.kind, "found off" in event.data["reason"]) == ("safe_hold", True)
        assert not bench.sim.output_is_on()
