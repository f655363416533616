"""A contactor whose contacts have welded while its relay reads open: seen before anything flows.

Judged by the truth log: whatever the guardian looks with, no cell was charged.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.procedures.attendance import Span, unattended, waiting
from stations.procedures.steps import Program
from tests.faults.balancing import QUICK, join, running, steps
from tests.faults.guarded import PROTECTION, SETPOINT, Guarded, guarded, next_event
from tests.faults.matrix import Trial
from tests.stations.procedures.scripted import program
from tests.wait import wait_until

VOLTAGE_SET = 8  # register of a Riden
LOWEST_REST_V = 3.0  # these cells rest above


def never_charged(bench: Guarded) -> bool:
    """The supply was never set to where it could have charged while its output was on."""
    volts, on = [0.0], False
    for record in bench.sim.truth():
        if record["kind"] == "set" and record.get("register") == VOLTAGE_SET:
            volts.append(record["value"] / 100)
        on = record["on"] if record["kind"] == "relay" else on
        if on and volts[-1] > LOWEST_REST_V:
            return False
    return True


def a_night(bench: Guarded) -> Program:
    """One that is left alone and begins to charge in eight hours."""
    now = datetime.fromisoformat(bench.link.status()["at"])
    span = Span(now, now + timedelta(hours=8))
    return waiting(unattended(program(), timedelta(hours=4)), span)


@pytest.mark.fault("27", "the contactor has welded", trials=5)
def test_a_welded_contactor_is_named_before_anything_flows(tmp_path: Path, trial: Trial) -> None:
    """Its relay reads open; the supply, on below the bank, shows the bank at its terminals."""
    with guarded(tmp_path, relay=True) as bench:
        bench.sim.hands.fault("relay", "welded")
        runner = bench.session()  # the board's own timer is as it must be
        bench.sim.hands.post("/links/on")
        runner.configure(SETPOINT, PROTECTION)

        with pytest.raises(BenchError, match="the contactor is welded or bypassed"):
            runner.energise()

        trial.happened(bench.sim.hands.state()["contactor"] == "closed")
        assert bench.link.status()["contactor"] == "open"  # by its relay
        assert next_event(runner).kind == "safe_hold"
        assert never_charged(bench)
        assert not bench.sim.truth("relay")[-1]["on"]


@pytest.mark.fault("27", "the contactor has welded, and the night begins later", trials=5)
def test_a_welded_contactor_refuses_a_night_while_somebody_is_still_there(
    tmp_path: Path, trial: Trial
) -> None:
    with guarded(tmp_path, relay=True, timing=QUICK) as bench:
        bench.sim.hands.fault("relay", "welded")
        with running(bench, a_night(bench)) as outcome:
            join(bench)
            ended = outcome.result(timeout=60)
            trial.happened(bench.sim.hands.state()["contactor"] == "closed")

        assert ended.kind == "ERROR"
        assert "the contactor is welded or bypassed" in ended.reason
        assert steps(bench)[-1] == "wait"
        assert never_charged(bench)


def test_a_night_begins_to_wait_once_the_contactor_was_seen_open(tmp_path: Path) -> None:
    with guarded(tmp_path, relay=True, timing=QUICK) as bench, running(bench, a_night(bench)):
        join(bench)
        wait_until(lambda: bench.events("seen_parted"), within_s=30)

        assert bench.link.status()["output"] == "off"
        assert never_charged(bench)
