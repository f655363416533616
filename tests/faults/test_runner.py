"""The runner dies, hangs, comes back as a zombie, or loses its lease: off, by the truth log.

Limits: dead-man 2 s and 3 s to a measured off (requirement F4).
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from stations.bench import BenchLost
from stations.clock import guard_s, wall_now
from stations.guardian_client import GuardianRefused
from tests.faults.guarded import (
    DEADMAN_S,
    OFF_WITHIN_S,
    charging_runner,
    follow,
    guarded,
    next_event,
)
from tests.faults.matrix import Trial
from tests.wait import wait_until


@pytest.mark.fault("2", "kill -9 of the runner while it charges", trials=20, limit_s=OFF_WITHIN_S)
def test_kill_9_of_the_runner_switches_off_and_loses_no_sample(
    tmp_path: Path, trial: Trial
) -> None:
    with guarded(tmp_path) as bench, charging_runner(bench) as runner:
        wait_until(lambda: len(bench.journal()) > 30)

        killed = wall_now()
        runner.kill()
        trial.happened(runner.wait(timeout=5) == -signal.SIGKILL)
        bench.wait_off(killed)
        trial.off_after(bench.off_since(killed))

        wait_until(lambda: bench.journal()[-1].kind == "close")
        samples = [r.body["reading"]["seq"] for r in bench.journal() if r.kind == "sample"]
        close = bench.journal()[-1].body
        assert samples == list(range(1, close["last_seq"] + 1))
        assert close["outcome"]["kind"] == "INTERRUPTED"
        wait_until(lambda: bench.link.status()["session"] is None)


def test_a_stopped_runner_is_switched_off_and_commands_nothing_when_woken(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench, charging_runner(bench) as runner:
        stopped = wall_now()
        runner.send_signal(signal.SIGSTOP)
        bench.wait_off(stopped)
        assert bench.off_since(stopped) >= DEADMAN_S - 0.6  # it was the dead-man, not a crash

        successor = bench.session()
        runner.send_signal(signal.SIGCONT)
        output, _ = runner.communicate(timeout=10)

        assert output.splitlines()[0].startswith("lost: ")
        assert output.splitlines()[1].startswith("refused: ")
        assert not bench.sim.output_is_on()
        successor.close(kind="STOPPED", reason="enough")


def test_a_runner_that_hangs_in_its_own_code_is_switched_off(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)

        hung = wall_now()  # it holds the connection, and asks nothing any more
        bench.wait_off(hung)

        with pytest.raises(BenchLost):
            runner.energise()


def test_pets_that_are_old_do_not_hold_the_dead_man(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lay in a buffer is no sign of life of now: pets carry the guard time they are of."""
    with guarded(tmp_path) as bench:
        monkeypatch.setattr("stations.wire.guard_s", lambda: guard_s() - 60.0)
        runner = bench.session()
        bench.charge(runner)
        charging = wall_now()

        with pytest.raises(BenchLost):
            follow(runner)

        bench.wait_off(charging, within_s=DEADMAN_S + 1.0)


def test_a_lease_that_passes_switches_off(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session(valid_s=60)
        bench.charge(runner)
        bench.link.lease(token=bench.token, valid_s=1.0)
        leased = wall_now()

        event = next_event(runner)

        bench.wait_off(leased, within_s=2.0)
        assert (event.kind, event.data["reason"]) == ("safe_hold", "the lease has passed")
        runner.close(kind="ERROR", reason="lease")


def test_a_renewed_lease_keeps_the_output_on(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session(valid_s=1.0)
        bench.charge(runner)
        began = wall_now()

        while (wall_now() - began).total_seconds() < 2.5:
            bench.link.lease(token=bench.token, valid_s=1.0)
            runner.next()

        assert bench.sim.output_is_on()
        runner.off()
        runner.close(kind="FINISHED", reason="done")


def test_a_higher_token_ends_the_older_session_with_the_output_off(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        older = bench.session()
        bench.charge(older)

        newer = bench.session()

        assert not bench.sim.output_is_on()
        with pytest.raises(BenchLost):
            older.energise()
        with pytest.raises(GuardianRefused, match="overtaken"):
            bench.link.lease(token=bench.token - 1, valid_s=60)
        assert bench.journal(attempt=1)[-1].kind == "close"
        newer.close(kind="STOPPED", reason="enough")
