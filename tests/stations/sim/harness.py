"""A simulated bench in a process of its own, for tests that need true protocols.

with simulated_bench(tmp_path, cells=[cell(soc=0.95)] * 4, lead_ohm=5e-3) as bench:
    bench.hands.post("/links/on")
"""

from __future__ import annotations

import json
import os
import select
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from stations.config import BenchConfig, load
from stations.sim.folder import Folder, Value, free_ports, write_folder

START_S = 20.0
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # spares each client reading the system's CAs
ROOT = Path(__file__).parents[3]
PROGRAM = (
    "import sys; from pathlib import Path; from stations.sim.bench import simulate; "
    "sys.exit(simulate(Path(sys.argv[1])))"
)


def cell(**values: Value) -> dict[str, Value]:
    """One 200 Ah cell at 95 %, with what differs."""
    return {"capacity_ah": 200.0, "soc": 0.95} | values


class Hands:
    """The technician's hands over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=10, verify=_NO_TLS)

    def post(self, path: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Do it; the state of the table afterwards.  Raises httpx.HTTPStatusError if refused."""
        response = self._client.post(path, json=body) if body else self._client.post(path)
        state: dict[str, Any] = response.raise_for_status().json()
        return state

    def fault(self, instrument: str, fault: str) -> None:
        self.post("/faults", {"instrument": instrument, "fault": fault})

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._client.get("/state").raise_for_status().json()
        return state

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True)
class SimulatedBench:
    """A running simulator: where its files are, its hands, and what really happened."""

    path: Path
    process: subprocess.Popen[str]
    ready: str
    hands: Hands

    @property
    def bench_toml(self) -> Path:
        return self.path / "bench.toml"

    @property
    def config(self) -> BenchConfig:
        return load(self.bench_toml)

    @property
    def supply_tty(self) -> Path:
        return self.path / "supply.tty"

    @property
    def clock(self) -> Path:
        return self.path / "clock"

    def truth(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The truth log so far, or its lines of one kind; a line under way is left out."""
        text = (self.path / "truth.jsonl").read_text(encoding="utf-8")
        whole, _, _ = text.rpartition("\n")
        records = [json.loads(line) for line in whole.splitlines()]
        return [record for record in records if kind in (None, record["kind"])]

    def output_moves(self) -> list[tuple[datetime, bool]]:
        """When current could begin to flow, and when it no longer could, by the truth log.

        It can flow while the supply's relay is closed or the load draws, and the contactor is
        closed where there is one.
        """
        moves: list[tuple[datetime, bool]] = []
        relay, drawing, closed = False, False, True
        for record in self.truth():
            relay, closed = record.get("on", relay), record.get("closed", closed)
            drawing = record.get("drawing", drawing)
            flows = (relay or drawing) and closed
            if not moves or moves[-1][1] != flows:
                moves.append((datetime.fromisoformat(record["wall"]), flows))
        return moves

    def output_is_on(self) -> bool:
        """By the truth log, so also after the simulator's end."""
        return self.output_moves()[-1][1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=10)


@contextmanager
def simulated_bench(
    path: Path,
    *,
    cells: Sequence[Mapping[str, Value]] | None = None,
    speed: float = 240.0,
    folder: Folder | None = None,
    program: str = PROGRAM,
    **wiring: Value,
) -> Iterator[SimulatedBench]:
    """Start a simulator on a fresh folder `path`; `wiring` is world.toml's table of that name.

    `folder` says everything else (flaws, timing, serial numbers); cells default to four.
    `program` replaces what the child runs, to break something in it.
    """
    folder = folder or Folder(cells=cells or [cell()] * 4, speed=speed, wiring=wiring)
    bench = _started(path, folder, program)
    try:
        yield bench
    finally:
        bench.hands.close()
        bench.stop()
        assert bench.process.stdout is not None
        bench.process.stdout.close()


def _started(path: Path, folder: Folder, program: str) -> SimulatedBench:
    for _ in range(3):  # another process may take a port in between
        process = _launch(write_folder(path, folder, free_ports()), program)
        ready = _first_line(process)
        if ready.startswith("ready "):
            return SimulatedBench(path, process, ready.strip(), Hands(ready.split()[-1]))
        process.wait(timeout=10)
        assert process.stdout is not None
        process.stdout.close()
    raise RuntimeError(f"the simulator did not start in {path}")


def _launch(bench_toml: Path, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, str(bench_toml)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], START_S)[0]:
        process.kill()
    line: str = process.stdout.readline()
    return line
