"""A simulated bench with its cells linked, and the command line beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
