"""The guardian itself dies or is asked to end, and the bench it finds when it is back."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stations.bench import BenchError, BenchLost
from stations.clock import guard_s, wall_now
from stations.guardian_client import GuardianLink, GuardianSilent
from stations.journal import read_records, verify
from tests.faults import guarded as guarded_module
from tests.faults.guarded import follow, guarded, launch, next_reading
from tests.stations.sim.harness import ROOT
from tests.wait import wait_until


def test_the_first_act_of_a_restarted_guardian_is_off(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        bench.kill()
        assert bench.sim.output_is_on()  # a supply without a watchdog goes on by itself

        restarted = wall_now()
        before = len(bench.sim.truth())
        bench.restart()

        bench.wait_off(restarted, within_s=5.0)
        sent = [r for r in bench.sim.truth()[before:] if r["kind"] == "set"]
        assert (sent[0]["register"], sent[0]["value"]) == (18, 0)
        wait_until(lambda: bench.journal()[-1].kind == "close")
        assert bench.journal()[-1].body["outcome"]["reason"] == "guardian restarted"


def test_samples_that_the_schedule_skipped_are_told_in_the_journal(tmp_path: Path) -> None:
    with guarded(tmp_path, speed=1.0, timing={"sample_s": 0.5}) as bench:
        runner = bench.session()
        for _ in range(3):
            next_reading(runner)
        bench.process.send_signal(signal.SIGSTOP)
        threading.Event().wait(1.6)
        bench.process.send_signal(signal.SIGCONT)
        for _ in range(4):
            next_reading(runner)

        samples = [r.body for r in bench.journal() if r.kind == "sample"]
        began_s, ended_s = (_begun_s(samples[i]["reading"]) for i in (0, -1))
        missing = round((ended_s - began_s) / 0.5) + 1 - len(samples)
        assert missing >= 2
        assert missing == sum(body.get("skipped", 0) for body in samples[1:])


def _begun_s(reading: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(reading["at"]).timestamp() - float(reading["age_s"])


def test_a_guardian_that_fails_switches_off_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of its own: nobody watches over it here, and there is no contactor."""
    monkeypatch.setattr(guarded_module, "STATIONS", ("tests.faults.failing",))
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        failed = wall_now()
        (bench.sim.path / "fail").touch()

        bench.wait_off(failed, within_s=5.0)
        assert bench.process.wait(timeout=30) == 1
        monkeypatch.undo()
        bench.restart()
        wait_until(lambda: bench.journal()[-1].kind == "close")


def test_tokens_outlive_the_guardian(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        bench.session().close(kind="STOPPED", reason="enough")
        bench.kill()
        bench.restart()
        bench.token = 0

        with pytest.raises(BenchError, match="not above 1"):
            bench.session()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_guardian_asked_to_end_leaves_the_output_off(tmp_path: Path, number: int) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)

        asked = wall_now()
        code = bench.kill(number)

        assert code == 0
        bench.wait_off(asked, within_s=3.0)
        assert bench.journal()[-1].kind == "close"


def test_a_guardian_whose_instruments_are_gone_ends_within_its_time(tmp_path: Path) -> None:
    """It tries to prove the output off, says in its exit code that it could not, and leaves."""
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        with bench.sim.bench_toml.open("a") as file:
            file.write("\n[timing]\nshut_down_s = 3.0\n")
        bench.kill()
        bench.restart()
        bench.sim.supply_tty.unlink()  # its number may soon be another bench's
        bench.sim.process.kill()
        bench.sim.process.wait(timeout=10)

        asked_s = guard_s()
        code = bench.kill(signal.SIGTERM)

        assert code == 1
        assert guard_s() - asked_s <= 3.0 + 2.0


def test_a_second_guardian_refuses_the_bench(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        second = subprocess.run(
            [sys.executable, "-m", "stations", "guard", str(bench.sim.bench_toml)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

        assert second.returncode == 3
        assert "another process drives the bench" in second.stderr


def test_every_journalled_sample_is_what_the_instruments_answered(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        for _ in range(40):
            pushed = next_reading(runner)
        runner.off()
        closed = runner.close(kind="FINISHED", reason="done")

        path = bench.sim.config.journal / "r1-1.jsonl"
        assert verify(path) == (closed["records"], closed["head"])
        samples = [r.body for r in read_records(path)[0] if r.kind == "sample"]
        assert pushed.seq <= len(samples)
        for role in ("supply", "meter", "scanner"):
            replies = [r["raw"] for r in bench.sim.truth("reply") if r["instrument"] == role]
            told = iter(replies)
            assert all(sample["raw"][role] in told for sample in samples), role


def test_a_runner_without_its_guardian_is_lost_at_once(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        next_reading(runner)
        bench.kill()

        with pytest.raises(BenchLost, match="guardian is gone"):
            follow(runner)
        with pytest.raises(BenchLost):
            runner.energise()


def test_no_session_begins_without_a_journal(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        unlimited = resource.prlimit(bench.process.pid, resource.RLIMIT_FSIZE, (64, -1))

        with pytest.raises(BenchError, match="no journal, no run"):
            bench.session()

        assert bench.link.status()["session"] is None
        resource.prlimit(bench.process.pid, resource.RLIMIT_FSIZE, unlimited)
        bench.session().close(kind="STOPPED", reason="enough")


def test_a_guardian_without_its_supply_says_unknown(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text(
        'station = "bench-1"\n'
        '[supply]\ndriver = "riden_rd6018"\nresource = "absent.tty"\nserial_number = "1"\n'
        '[meter]\ndriver = "keysight_34461a"\n'
        'resource = "TCPIP0::127.0.0.1::9::SOCKET"\nserial_number = "MY1"\n'
    )
    link = GuardianLink(tmp_path / "guardian.sock")
    process = launch(tmp_path)
    try:
        status = wait_until(lambda: answered(link), within_s=20)
        alarm = wait_until(lambda: link.status()["alarm"])
    finally:
        process.kill()
        process.wait(timeout=10)

    assert status is not None
    assert (status["output"], status["last_off"]) == ("unknown", None)
    assert "not proven off" in alarm
    assert not (tmp_path / "heartbeat").exists()


def answered(link: GuardianLink) -> Mapping[str, Any] | None:
    try:
        return link.status()
    except GuardianSilent:
        return None
