"""The journal's disk is full or refuses, or a journal is damaged: off, and nothing is deleted."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.clock import wall_now
from tests.faults.guarded import Guarded, guarded, next_event, next_reading
from tests.faults.matrix import Trial
from tests.wait import wait_until


def immutable(path: Path, *, on: bool) -> bool:
    """Make a file refuse every write, also by who has it open; False without the right to."""
    command = ["chattr", "+i" if on else "-i", str(path)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def may_make_immutable() -> bool:
    with tempfile.NamedTemporaryFile() as file:
        return immutable(Path(file.name), on=True) and immutable(Path(file.name), on=False)


@pytest.mark.fault("38", "the journal's disk is full", trials=20, limit_s=3.0)
def test_a_full_disk_switches_off(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        size = journal(bench).stat().st_size

        full = wall_now()
        resource.prlimit(bench.process.pid, resource.RLIMIT_FSIZE, (size + 2000, size + 2000))

        bench.wait_off(full)
        trial.off_after(bench.off_since(full))
        trial.happened(journal(bench).stat().st_size <= size + 2000)
        assert "journal cannot be written" in bench.link.status()["alarm"]


@pytest.mark.skipif(not may_make_immutable(), reason="needs the right to make a file immutable")
@pytest.mark.fault("38", "the journal's file is read-only", trials=20, limit_s=3.0)
def test_a_journal_that_turns_read_only_switches_off(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        refused = wall_now()
        assert immutable(journal(bench), on=True)
        try:
            event = next_event(runner)
            bench.wait_off(refused)
            trial.off_after(bench.off_since(refused))
            before = journal(bench).stat().st_size
            trial.happened("Operation not permitted" in bench.link.status()["alarm"])
        finally:
            immutable(journal(bench), on=False)

        assert event.kind == "safe_hold"
        assert journal(bench).read_bytes()[before - 1 : before] == b"\n"  # no half record


@pytest.mark.fault("38", "a journal was damaged while nobody wrote", trials=20, limit_s=3.0)
def test_a_damaged_journal_is_put_aside_and_the_output_is_off(tmp_path: Path, trial: Trial) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        for _ in range(5):
            next_reading(runner)
        bench.kill()
        assert bench.sim.output_is_on()
        damaged = bytearray(journal(bench).read_bytes())
        damaged[len(damaged) // 2] ^= 1
        journal(bench).write_bytes(damaged)

        restarted = wall_now()
        bench.restart()

        bench.wait_off(restarted)
        trial.off_after(bench.off_since(restarted))
        aside = wait_until(lambda: list(bench.sim.config.journal.glob("*.corrupt")))
        trial.happened(aside[0].read_bytes() == damaged)
        wait_until(lambda: "r1-1.jsonl" in bench.link.status()["alarm"])


def test_a_journal_is_closed_when_the_full_disk_has_room_again(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)
        size = journal(bench).stat().st_size
        leave(bench, size + 2000)
        bench.wait_off(wall_now())
        with pytest.raises(BenchError, match="journal cannot be closed"):
            runner.close(kind="ERROR", reason="the disk is full")
        with pytest.raises(BenchError, match="no journal, no run"):
            bench.session()

        leave(bench, resource.RLIM_INFINITY)

        wait_until(lambda: bench.journal(1)[-1].kind == "close")
        wait_until(lambda: bench.link.status()["alarm"] == "")
        bench.session()


def test_a_guardian_that_begins_on_a_full_disk_closes_what_was_left_open_later(
    tmp_path: Path,
) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        for _ in range(5):
            next_reading(runner)
        bench.kill()
        size = journal(bench).stat().st_size
        before = journal(bench).read_bytes()
        with file_size_limit(size):
            bench.restart()
        wait_until(lambda: "left open cannot be closed" in bench.link.status()["alarm"])
        assert journal(bench).read_bytes() == before

        leave(bench, resource.RLIM_INFINITY)

        wait_until(lambda: bench.journal(1)[-1].kind == "close")
        wait_until(lambda: bench.link.status()["alarm"] == "")


def leave(bench: Guarded, size: int) -> None:
    """No file of the guardian may grow beyond `size` bytes, as if the disk were full."""
    resource.prlimit(bench.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """What is started meanwhile is born with that limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def journal(bench: Guarded) -> Path:
    return bench.sim.config.journal / "r1-1.jsonl"
