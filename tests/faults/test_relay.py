"""A contactor in the plus lead: it parts what the supply does not, and opens when nobody holds it.

Limits: contactor 8 s after a supply disobeyed, 10 s after guardian or host died (F4).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stations.bench import BenchError
from stations.clock import wall_now
from stations.guardian.off import LOCKED
from stations.journal import read_records, verify
from tests.faults.guarded import (
    PROTECTION,
    SETPOINT,
    Guarded,
    charging_runner,
    guarded,
    next_event,
    next_reading,
)
from tests.faults.matrix import Trial
from tests.stations.sim.harness import ROOT
from tests.wait import wait_until

CONTACTOR_WITHIN_S = 8.0
DEAD_WITHIN_S = 10.0
ALARM_WITHIN_S = 10.0


def supply_is_on(bench: Guarded) -> bool:
    """The supply's own relay, whatever the contactor does."""
    relay: bool = bench.sim.truth("relay")[-1]["on"]
    return relay


def offs_sent(bench: Guarded) -> int:
    """How often the supply was told to go off since its output last went on."""
    sent = bench.sim.truth()
    went_on = max(i for i, r in enumerate(sent) if r["kind"] == "relay" and r["on"])
    told = [r for r in sent[went_on:] if r["kind"] == "set" and r["instrument"] == "supply"]
    return [(r["register"], r["value"]) for r in told].count((18, 0))


def contactor_moves(bench: Guarded, since: datetime) -> list[bool]:
    moves = bench.sim.truth("contactor")
    return [r["closed"] for r in moves if datetime.fromisoformat(r["wall"]) >= since]


def stations(bench: Guarded, *arguments: str) -> subprocess.CompletedProcess[str]:
    command, *options = arguments
    return subprocess.run(
        [sys.executable, "-m", "stations", command, str(bench.sim.bench_toml), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def charging(path: Path) -> Iterator[tuple[Guarded, Any]]:
    # A guardian that can prove nothing any more is ended soon: its patience is tested elsewhere.
    with guarded(path, relay=True, timing={"shut_down_s": 1.0}) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        yield bench, runner


def test_the_contactor_closes_before_the_output_and_opens_after_it(tmp_path: Path) -> None:
    with charging(tmp_path) as (bench, runner):
        runner.off()
        wait_until(lambda: bench.link.status()["contactor"] == "open")

        moves = [r for r in bench.sim.truth() if r["kind"] in ("contactor", "relay")]
        seen = [(r["kind"], r.get("on", r.get("closed"))) for r in moves]
        proof_of_the_timer = [("contactor", True), ("contactor", False)]
        assert seen == [
            *proof_of_the_timer,
            *[("relay", True), ("relay", False)],  # by the supply, that the contactor is open
            ("contactor", True),
            ("relay", True),
            ("relay", False),
            ("contactor", False),
        ]
        assert bench.link.status()["alarm"] == ""


def test_the_session_says_what_parts_it_without_us(tmp_path: Path) -> None:
    with guarded(tmp_path, relay=True) as bench:
        bench.session().close(kind="STOPPED", reason="enough")

        header = bench.journal()[0].body
        assert header["contactor"] == {"relay": "unit-1", "channel": 1, "opens_after_s": 6.0}
        assert header["instruments"][-1] == {
            "role": "relay",
            "model": "Relay8",
            "serial_number": "unit-1",
            "firmware": "2.00",
        }


def test_the_contactor_is_held_as_long_as_all_is_well(tmp_path: Path) -> None:
    with guarded(tmp_path, relay=True, timing={"contactor_s": 4.0, "rearm_s": 0.8}) as bench:
        runner = bench.session()
        bench.charge(runner)
        began = wall_now()

        while (wall_now() - began).total_seconds() < 6.0:
            next_reading(runner)

        assert contactor_moves(bench, began) == []
        holds = [r for r in bench.sim.truth("set") if r["instrument"] == "relay"]
        assert {(r["register"], r["value"]) for r in holds if r["value"] > 10} == {(0x200, 40)}
        runner.off()


@pytest.mark.fault("27", "the supply ignores OFF", trials=5, limit_s=CONTACTOR_WITHIN_S)
def test_a_supply_that_refuses_off_is_parted_by_the_contactor(tmp_path: Path, trial: Trial) -> None:
    with charging(tmp_path) as (bench, runner):
        bench.sim.hands.fault("supply", "refuse_off")

        asked = wall_now()
        with pytest.raises(BenchError, match="not proven off"):
            runner.off()

        wait_until(lambda: not bench.sim.output_is_on())
        trial.happened(supply_is_on(bench) and offs_sent(bench) >= 3)
        trial.off_after(bench.off_since(asked))
        wait_until(lambda: bench.link.status()["output"] == "unknown")
        assert bench.link.status()["alarm"] == LOCKED
        assert bench.link.status()["contactor"] == "open"
        events = [r.body["event"] for r in bench.journal() if r.kind == "event"]
        alarms = [e for e in events if e["data"].get("words") == LOCKED]
        told_s = (datetime.fromisoformat(alarms[0]["received_at"]) - asked).total_seconds()
        assert told_s <= ALARM_WITHIN_S


@pytest.mark.fault(
    "27", "the supply reads back off and goes on sourcing", trials=5, limit_s=CONTACTOR_WITHIN_S
)
def test_a_supply_that_lies_is_parted_by_the_contactor(tmp_path: Path, trial: Trial) -> None:
    """Set to zero volts it lets nothing flow and reads back off: that is no proof any more."""
    with charging(tmp_path) as (bench, runner):
        bench.sim.hands.fault("supply", "lies_off")

        asked = wall_now()
        with pytest.raises(BenchError, match="not proven off"):
            runner.off()

        wait_until(lambda: not bench.sim.output_is_on())
        trial.happened(supply_is_on(bench) and offs_sent(bench) >= 3)
        trial.off_after(bench.off_since(asked))
        told = wait_until(lambda: bench.link.status()["locked"] and bench.link.status())
        assert (told["output"], told["last_off"]) == ("unknown", None)
        assert "look at the supply" in told["alarm"]


def test_only_a_person_unlocks_what_the_contactor_parted(tmp_path: Path) -> None:
    with charging(tmp_path) as (bench, runner):
        bench.sim.hands.fault("supply", "lies_off")
        with pytest.raises(BenchError):
            runner.off()
        wait_until(lambda: bench.link.status()["locked"])
        bench.kill()
        bench.restart(output="unknown")  # nobody has looked at anything meanwhile
        bench.sim.hands.fault("supply", "none")
        wait_until(lambda: not supply_is_on(bench))
        obeyed = offs_sent(bench)
        wait_until(lambda: offs_sent(bench) >= obeyed + 3)  # each was seen obeyed

        assert bench.link.status()["output"] == "unknown"
        with pytest.raises(BenchError, match="only the contactor"):
            bench.session()

        assert stations(bench, "unlock", "--by", "Sam").returncode == 0

        wait_until(lambda: bench.link.status()["output"] == "off")
        assert bench.link.status()["alarm"] == ""
        unlocked = [e for e in bench.bench_events() if e["kind"] == "unlocked"]
        assert unlocked[0]["data"]["by"] == "Sam"
        bench.session().close(kind="STOPPED", reason="enough")


def test_a_silent_supply_is_parted_and_proven_off_when_it_answers(tmp_path: Path) -> None:
    with charging(tmp_path) as (bench, _):
        silent = wall_now()
        bench.sim.hands.fault("supply", "silence")

        bench.wait_off(silent, within_s=CONTACTOR_WITHIN_S)
        assert supply_is_on(bench)
        assert bench.link.status()["output"] == "unknown"

        bench.sim.hands.fault("supply", "none")
        wait_until(lambda: bench.link.status()["output"] == "off")
        assert bench.link.status()["locked"] == ""


def test_current_that_flows_before_on_is_found_and_parted(tmp_path: Path) -> None:
    """It was on, said off, and the contactor had opened: only a closed one shows the lie."""
    with charging(tmp_path) as (bench, _):
        killed = wall_now()
        bench.kill()
        bench.wait_off(killed, within_s=DEAD_WITHIN_S)
        bench.sim.hands.fault("supply", "lies_off")
        bench.restart()
        successor = bench.session()
        successor.configure(SETPOINT, PROTECTION)

        tried = wall_now()
        with pytest.raises(BenchError, match=r"14\.4 A flow"):
            successor.energise()

        wait_until(lambda: contactor_moves(bench, tried) == [True, False])
        assert bench.off_since(tried) <= CONTACTOR_WITHIN_S
        wait_until(lambda: bench.link.status()["locked"])


def test_off_without_a_guardian_parts_too(tmp_path: Path) -> None:
    with charging(tmp_path) as (bench, _):
        bench.sim.hands.fault("supply", "refuse_off")
        killed = wall_now()
        bench.kill()

        refused = stations(bench, "off")

        assert bench.off_since(killed) <= DEAD_WITHIN_S
        assert (refused.returncode, refused.stdout) == (1, "the contactor is open\n")
        assert "only the contactor" in refused.stderr
        bench.sim.hands.fault("supply", "none")
        assert stations(bench, "unlock", "--by", "Sam").returncode == 0
        proven = stations(bench, "off")
        assert proven.returncode == 0
        assert "off, proven at" in proven.stdout
        assert "Relay8  serial number unit-1" in stations(bench, "identify").stdout


@pytest.mark.fault("8", "kill -9 of the guardian, none restarts it", trials=5, limit_s=10.0)
def test_the_contactor_opens_when_the_guardian_is_killed(tmp_path: Path, trial: Trial) -> None:
    with charging(tmp_path) as (bench, _):
        killed = wall_now()
        trial.happened(bench.kill() == -signal.SIGKILL)

        bench.wait_off(killed, within_s=DEAD_WITHIN_S)
        trial.off_after(bench.off_since(killed))
        assert supply_is_on(bench)


@pytest.mark.fault(
    "8", "SIGSTOP of the guardian, none restarts it", trials=5, limit_s=10.0, in_ci=False
)
def test_the_contactor_opens_when_the_guardian_is_stopped(tmp_path: Path, trial: Trial) -> None:
    with charging(tmp_path) as (bench, _):
        stopped = wall_now()
        bench.process.send_signal(signal.SIGSTOP)

        bench.wait_off(stopped, within_s=DEAD_WITHIN_S)
        trial.off_after(bench.off_since(stopped))
        trial.happened(supply_is_on(bench) and is_stopped(bench.process.pid))

        bench.process.send_signal(signal.SIGCONT)
        wait_until(lambda: bench.link.status()["output"] == "off")
        assert not supply_is_on(bench)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.fault(
    "4", "kill -9 of runner and guardian, none restarts", trials=5, limit_s=10.0, in_ci=False
)
def test_the_contactor_opens_when_the_whole_group_is_killed(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path, relay=True) as bench:
        group = bench.process.pid
        with charging_runner(bench, group=group) as runner:
            killed = wall_now()
            os.killpg(group, signal.SIGKILL)
            trial.happened(bench.process.wait(5) == runner.wait(5) == -signal.SIGKILL)

            bench.wait_off(killed, within_s=DEAD_WITHIN_S)
            trial.off_after(bench.off_since(killed))
            assert supply_is_on(bench)


@pytest.mark.fault(
    "19", "all of the host's processes at once, then boot", trials=5, limit_s=10.0, in_ci=False
)
def test_after_a_dead_host_the_contactor_is_open_and_the_first_act_is_off(
    tmp_path: Path, trial: Trial
) -> None:
    with guarded(tmp_path, relay=True) as bench:
        group = bench.process.pid
        with charging_runner(bench, group=group) as runner:
            wait_until(lambda: len(bench.journal()) > 30)
            killed = wall_now()
            os.killpg(group, signal.SIGKILL)
            trial.happened(bench.process.wait(5) == runner.wait(5) == -signal.SIGKILL)
        bench.wait_off(killed, within_s=DEAD_WITHIN_S)
        trial.off_after(bench.off_since(killed))

        before = len(bench.sim.truth())
        bench.restart()

        first = next(r for r in bench.sim.truth()[before:] if r["kind"] == "set")
        assert (first["register"], first["value"]) == (18, 0)
        wait_until(lambda: bench.journal()[-1].kind == "close")
        path = bench.sim.config.journal / "r1-1.jsonl"
        verify(path)
        seqs = [r.body["reading"]["seq"] for r in read_records(path)[0] if r.kind == "sample"]
        assert seqs == list(range(1, len(seqs) + 1))
        assert bench.journal()[-1].body["last_seq"] == len(seqs)


def test_a_relay_board_that_falls_silent_ends_the_charge(tmp_path: Path) -> None:
    """Off in order, while the contactor still holds; then it opens by itself."""
    with charging(tmp_path) as (bench, runner):
        silent = wall_now()
        bench.sim.hands.fault("relay", "silence")
        event = next_event(runner)

        assert event.kind == "safe_hold"
        assert "contactor is not held" in event.data["reason"]
        moves = [r["kind"] for r in bench.sim.truth() if r["kind"] in ("relay", "contactor")]
        assert moves[-1] == "relay"
        bench.wait_off(silent, within_s=5.0)
        wait_until(lambda: contactor_moves(bench, silent) == [False], within_s=10)
        wait_until(lambda: "not proven open" in bench.link.status()["alarm"])
        runner.close(kind="ERROR", reason=str(event.data["reason"]))

        bench.sim.hands.fault("relay", "none")
        wait_until(lambda: bench.link.status()["alarm"] == "")
        assert bench.link.status()["contactor"] == "open"


@pytest.mark.parametrize(
    ("fault", "words"), [("no_timer", "does not open by itself"), ("silence", "no answer")]
)
def test_no_session_begins_without_a_contactor_that_opens_by_itself(
    tmp_path: Path, fault: str, words: str
) -> None:
    with guarded(tmp_path, relay=True) as bench:
        bench.sim.hands.fault("relay", fault)

        with pytest.raises(BenchError, match=words):
            bench.session()

        assert bench.sim.truth("relay") == []
        wait_until(lambda: bench.sim.hands.state()["contactor"] == "open")
