"""A load that is told to go off, and one that does not obey: parted by the contactor (F1, B16).

By the simulated ITECH over its pty; what counts is when it no longer drew, by the truth log.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.clock import wall_now
from stations.guardian_client import GuardianBench
from tests.faults.guarded import (
    DRAW,
    DRAWING,
    Guarded,
    next_event,
)
from tests.faults.matrix import Trial
from tests.faults.test_load import drawing
from tests.faults.test_relay import CONTACTOR_WITHIN_S, stations
from tests.wait import wait_until


def parted_by_the_contactor(bench: Guarded) -> bool:
    """It opened while the load still drew, which then met its own cut-off at 0 V."""
    moves = [r["kind"] for r in bench.sim.truth() if r["kind"] in ("contactor", "load")]
    return moves[-2:] == ["contactor", "load"] and not bench.sim.output_is_on()


def off_by_the_contactor_alone(bench: Guarded, runner: GuardianBench, trial: Trial) -> None:
    """OFF is asked for and not proven, and nothing flows all the same."""
    asked = wall_now()
    with pytest.raises(BenchError, match="not proven off"):
        runner.off()

    wait_until(lambda: not bench.sim.output_is_on())
    trial.happened(parted_by_the_contactor(bench))
    trial.off_after(bench.off_since(asked))


@pytest.mark.fault("27", "the load ignores OFF", trials=5, limit_s=CONTACTOR_WITHIN_S)
def test_a_load_that_ignores_off_is_parted_by_the_contactor(tmp_path: Path, trial: Trial) -> None:
    with drawing(tmp_path, relay=True, timing={"shut_down_s": 1.0}) as (bench, runner):
        bench.sim.hands.fault("load", "refuse_off")

        off_by_the_contactor_alone(bench, runner, trial)
        wait_until(lambda: bench.link.status()["output"] == "unknown")
        assert "the load did not obey OFF" in bench.link.status()["alarm"]
        assert bench.link.status()["contactor"] == "open"


@pytest.mark.fault(
    "27", "the load reads back off and goes on drawing", trials=5, limit_s=CONTACTOR_WITHIN_S
)
def test_a_load_that_lies_is_parted_by_the_contactor(tmp_path: Path, trial: Trial) -> None:
    with drawing(tmp_path, relay=True, timing={"shut_down_s": 1.0}) as (bench, runner):
        bench.sim.hands.fault("load", "lies_off")

        off_by_the_contactor_alone(bench, runner, trial)


@pytest.mark.fault("27", "the contactor has welded before a load", trials=5)
def test_a_welded_contactor_is_named_before_anything_is_drawn(tmp_path: Path, trial: Trial) -> None:
    with drawing(tmp_path, relay=True) as (bench, runner):
        runner.off()
        wait_until(lambda: bench.link.status()["contactor"] == "open")
        bench.sim.hands.fault("relay", "welded")
        runner.close(kind="STOPPED", reason="another begins")
        again = bench.session(limits=DRAWING)  # its relay moves once, and the contacts stay
        again.configure_load(DRAW)
        before = len(bench.sim.truth("load"))

        with pytest.raises(BenchError, match="the load's terminals show"):
            again.energise()

        trial.happened(bench.sim.hands.state()["contactor"] == "closed")
        assert len(bench.sim.truth("load")) == before


def test_a_load_that_ignores_off_is_never_said_to_be_off(tmp_path: Path) -> None:
    with drawing(tmp_path, timing={"shut_down_s": 1.0}) as (bench, runner):
        bench.sim.hands.fault("load", "refuse_off")

        with pytest.raises(BenchError, match="load reads back on"):
            runner.off()

        assert bench.link.status()["output"] == "on"
        bench.sim.hands.fault("load", "none")
        wait_until(lambda: bench.link.status()["output"] == "off")
        assert not bench.sim.output_is_on()


@pytest.mark.fault("27", "the load falls silent while it draws", trials=5, limit_s=10.0)
def test_a_silent_load_is_parted_by_the_contactor(tmp_path: Path, trial: Trial) -> None:
    with drawing(tmp_path, relay=True, timing={"shut_down_s": 1.0}) as (bench, runner):
        silent = wall_now()
        bench.sim.hands.fault("load", "silence")

        event = next_event(runner)

        trial.happened(bench.sim.truth("fault")[-1]["fault"] == "silence")
        assert "load_silent" in event.data["reason"] or "no valid" in event.data["reason"]
        bench.wait_off(silent, within_s=10.0)
        trial.off_after(bench.off_since(silent))
        assert parted_by_the_contactor(bench)
        bench.sim.hands.fault("load", "none")
        wait_until(lambda: bench.link.status()["output"] == "off")


def test_the_first_act_of_a_restarted_guardian_is_the_load_off(tmp_path: Path) -> None:
    with drawing(tmp_path) as (bench, _):
        bench.kill()
        assert bench.sim.output_is_on()

        restarted = wall_now()
        bench.restart()

        bench.wait_off(restarted, within_s=5.0)
        wait_until(lambda: bench.journal()[-1].kind == "close")


def test_off_from_the_command_line_stops_the_draw_without_a_guardian(tmp_path: Path) -> None:
    with drawing(tmp_path) as (bench, _):
        bench.kill()
        assert bench.sim.output_is_on()

        told = stations(bench, "off")

        assert told.returncode == 0, told.stderr
        assert "off, proven" in told.stdout
        assert not bench.sim.output_is_on()


def test_off_from_the_command_line_says_when_the_load_does_not_obey(tmp_path: Path) -> None:
    with drawing(tmp_path, timing={"shut_down_s": 1.0}) as (bench, _):
        bench.kill()
        bench.sim.hands.fault("load", "refuse_off")

        told = stations(bench, "off")

        assert told.returncode == 1
        assert "load reads back on" in told.stderr
