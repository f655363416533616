"""Replies that are spoilt on their way: rejected, and never taken for another's (row 23)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.clock import wall_now
from stations.guardian_client import GuardianBench
from stations.values import Event
from tests.faults.guarded import SETPOINT, Guarded, guarded, next_event, next_reading
from tests.faults.matrix import Trial
from tests.faults.replies import false_values, samples
from tests.wait import wait_until

SPOILT = ("garbage", "half", "doubled", "late", "one_behind", "slow")
ROLES = ("supply", "meter", "scanner")
CASES = [(role, fault) for role in ROLES for fault in SPOILT]
WITHOUT_A_VALID_ONE_S = 3.5  # 3 s, and the way to off


@pytest.mark.fault(
    "23",
    "every reply is spoilt",
    trials=1,
    limit_s=WITHOUT_A_VALID_ONE_S,
    in_ci=("supply-half", "meter-garbage", "scanner-one_behind"),
)
@pytest.mark.parametrize(("role", "fault"), [case for case in CASES if case[1] != "doubled"])
def test_replies_that_are_all_spoilt_switch_off(
    tmp_path: Path, trial: Trial, role: str, fault: str
) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        broken = wall_now()
        bench.sim.hands.fault(role, fault)
        event = next_event(runner)

        trial.happened(bench.sim.truth("spoilt"))
        bench.wait_off(broken)
        trial.off_after(bench.off_since(broken))
        assert event.kind == "safe_hold"
        assert false_values(bench) == []


@pytest.mark.fault(
    "23",
    "now and then a reply is spoilt",
    trials=1,
    in_ci=("supply-late", "meter-doubled", "scanner-half"),
)
@pytest.mark.parametrize(("role", "fault"), CASES)
def test_a_reply_that_is_spoilt_now_and_then_is_never_stored_nor_pairs_with_another(
    tmp_path: Path, trial: Trial, role: str, fault: str
) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        with suppress(BenchError):  # two doubtful samples in a row may end it
            for _ in range(8):
                spoil_some(bench, role, fault)
                if not recovers(runner):
                    break

        trial.happened(bench.sim.truth("spoilt"))
        bench.sim.hands.fault(role, "none")
        assert len(samples(bench)) > 10
        assert false_values(bench) == []


@pytest.mark.fault("23", "every reply is 0.2 s late, and in time", trials=2)
@pytest.mark.parametrize("role", ROLES)
def test_replies_that_are_slow_and_in_time_are_believed(
    tmp_path: Path, trial: Trial, role: str
) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault(role, "delay")

        readings = [next_reading(runner) for _ in range(10)]

        trial.happened(bench.sim.truth("spoilt"))
        assert {flag for reading in readings for flag in reading.flags} == set()
        assert all(reading.age_s >= 0.2 for reading in readings[2:])
        assert bench.sim.output_is_on()
        assert false_values(bench) == []


@pytest.mark.fault("23", "a command's echo is wrong", trials=5, limit_s=WITHOUT_A_VALID_ONE_S)
def test_a_command_that_was_echoed_wrong_leaves_doubt_and_off(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        bench.sim.hands.fault("supply", "wrong_echo")

        sent = wall_now()
        with pytest.raises(BenchError):
            runner.adjust(replace(SETPOINT, current_a=10.0))

        trial.happened(bench.sim.truth("spoilt"))
        bench.wait_off(sent)
        trial.off_after(bench.off_since(sent))
        wait_until(lambda: bench.link.status()["output"] == "unknown")  # nothing was echoed right


def spoil_some(bench: Guarded, role: str, fault: str) -> None:
    before = len(bench.sim.truth("spoilt"))
    bench.sim.hands.fault(role, fault)
    wait_until(lambda: len(bench.sim.truth("spoilt")) > before, period_s=0.005)
    bench.sim.hands.fault(role, "none")


def recovers(runner: GuardianBench) -> bool:
    """Whether five readings without a doubt follow before the guardian ends the session."""
    good = 0
    while good < 5:
        item = runner.next()
        if isinstance(item, Event):
            return False
        good += not item.flags
    return True
