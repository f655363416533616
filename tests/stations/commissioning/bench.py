"""A simulated bench with its cells linked, and the command line beside it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stations.commissioning.report import Report, decode
from stations.sim.folder import Folder
from tests.stations.sim.harness import PROGRAM, ROOT, SimulatedBench, cell, simulated_bench

QUICK = {"sample_s": 0.1, "sample_min_s": 0.05, "idle_poll_s": 0.1}


def folder(**changes: object) -> Folder:
    usual = {
        "cells": [cell(soc=0.6)] * 4,
        "speed": 20.0,
        "scanner": False,
        "timing": QUICK,
        "wiring": {"lead_ohm": 0.005},
    }
    return Folder(**(usual | changes))  # type: ignore[arg-type]


@contextmanager
def linked(path: Path, *, program: str = PROGRAM, **changes: object) -> Iterator[SimulatedBench]:
    with simulated_bench(path, folder=folder(**changes), program=program) as bench:
        bench.hands.post("/links/on")
        yield bench


def stations(
    command: str, bench: SimulatedBench, typed: str = "", *options: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "stations", command, str(bench.bench_toml), *options],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def written(bench: SimulatedBench) -> Report:
    return decode((bench.path / "commissioning.json").read_bytes())


@contextmanager
def asked(
    bench: SimulatedBench, typed: str = "yes\n", until: str = "supply's own front"
) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A check that has come to where it says `until`: without more, that charges and waits."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "stations", "check", str(bench.bench_toml)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As at a terminal; who runs the tests may have it ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(typed)
            process.stdin.flush()
            while until not in (line := process.stdout.readline()):
                assert line, process.stderr.read() if process.stderr else ""
            yield process, process.stdout
        finally:
            process.kill()
