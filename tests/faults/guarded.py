"""A guardian in a process of its own on a simulated bench, for tests that break things.

with guarded(tmp_path) as bench:
    with bench.session() as runner:
        bench.charge(runner)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx

from stations.guardian_client import GuardianBench, GuardianLink, GuardianSilent
from stations.journal import JournalRecord, file_name, read_records
from stations.sim.folder import Folder, Value
from stations.values import Cutoff, Draw, Event, Limits, Protection, Reading, Setpoint
from stations.wire import LineBuffer, connect, encode
from tests.stations.sim.harness import ROOT, SimulatedBench, cell, simulated_bench
from tests.wait import wait_until

LIMITS = Limits(
    bank_voltage_max_v=3.70,
    bank_voltage_min_v=2.50,
    cell_voltage_max_v=3.70,
    cell_voltage_min_v=2.50,
    current_max_a=15.2,
    setpoint_voltage_max_v=3.67,
    duration_max_s=48 * 3600.0,
    charge_max_ah=900.0,
)
SETPOINT = Setpoint(3.65, 14.4)
PROTECTION = Protection(ovp_v=3.75, ocp_a=15.1)
DRAW = Draw(40.0, Cutoff(2.2, 3600.0))
DRAWING = replace(LIMITS, drawn_max_a=42.0, drawn_max_ah=900.0)
DEADMAN_S = 2.0
STATIONS: tuple[str, ...] = ("stations",)  # the module to run; a control has one of its own
OFF_WITHIN_S = DEADMAN_S + 3.0


@dataclass
class Guarded:
    """A simulated bench and its guardian."""

    sim: SimulatedBench
    process: subprocess.Popen[bytes]
    token: int = 0
    sessions: list[GuardianBench] = field(default_factory=list)

    @property
    def link(self) -> GuardianLink:
        return GuardianLink(self.sim.config.socket)

    def session(
        self, *, limits: Limits = LIMITS, valid_s: float = 600.0, presence_s: float | None = None
    ) -> GuardianBench:
        """A runner's session with the next token; run r1, attempt = token."""
        self.token += 1
        runner = GuardianBench(
            self.sim.config.socket,
            run="r1",
            attempt=self.token,
            token=self.token,
            limits=limits,
            program={"name": "test", "version": "1", "cells": limits.series_cells},
            valid_s=valid_s,
            presence_s=presence_s,
        )
        self.sessions.append(runner)
        return runner

    def charge(
        self,
        runner: GuardianBench,
        setpoint: Setpoint = SETPOINT,
        protection: Protection = PROTECTION,
    ) -> None:
        """Join the bank and charge it; returns when the truth says that the output is on."""
        self.sim.hands.post("/links/on")
        runner.configure(setpoint, protection)
        runner.energise()
        assert self.sim.output_is_on()

    def discharge(self, runner: GuardianBench, draw: Draw = DRAW) -> None:
        """Join the bank and draw from it; returns when the truth says that the load is on."""
        self.sim.hands.post("/links/on")
        runner.configure_load(draw)
        runner.energise()
        assert self.sim.truth("load")[-1]["drawing"]

    def journal(self, attempt: int | None = None) -> list[JournalRecord]:
        path = self.sim.config.journal / file_name("r1", attempt or self.token)
        return read_records(path)[0]

    def samples(self) -> list[Mapping[str, Any]]:
        """What the journal has of this attempt's readings."""
        return [r.body["reading"] for r in self.journal() if r.kind == "sample"]

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        """What the journal has of this attempt's events of one kind."""
        events = [r.body["event"] for r in self.journal() if r.kind == "event"]
        return [event for event in events if event["kind"] == kind]

    def bench_events(self) -> list[Mapping[str, Any]]:
        records, _ = read_records(self.sim.config.journal / "bench.jsonl")
        return [record.body["event"] for record in records]

    def off_since(self, moment: datetime) -> float:
        """Seconds of wall time from `moment` to the end of all current, by the truth log."""
        offs = [wall for wall, on in self.sim.output_moves() if not on]
        return min((wall - moment).total_seconds() for wall in offs if wall >= moment)

    def wait_off(self, since: datetime, within_s: float = OFF_WITHIN_S) -> None:
        """The truth log must show the output off, soon enough after `since`."""
        wait_until(lambda: not self.sim.output_is_on(), within_s=within_s + 5)
        assert self.off_since(since) <= within_s

    def heal(self) -> None:
        """Take every fault away, for what comes afterwards."""
        with suppress(httpx.HTTPError):  # a simulator that was killed has no faults
            for role in self.sim.hands.state()["faults"]:
                self.sim.hands.fault(role, "none")

    def output(self) -> str:
        """What the guardian says of it; "" while none answers."""
        try:
            return str(self.link.status()["output"])
        except GuardianSilent:
            return ""

    def launch(self, *, words: int | None = None) -> None:
        self.process = launch(self.sim.path, words=words)

    def restart(self, output: str = "off", *, words: int | None = None) -> None:
        """A new guardian that answers, and says so of its output."""
        self.launch(words=words)
        _wait_listening(self, output)

    def kill(self, number: int = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def ask(self, **request: Any) -> dict[str, Any]:
        """One raw request on a connection of its own."""
        with connect(self.sim.config.socket, 5.0) as line:
            line.sendall(encode({"id": 1, **request}))
            buffer = LineBuffer()
            while True:
                for reply in buffer.feed(line.recv(65536)):
                    return reply


def next_reading(runner: GuardianBench) -> Reading:
    """The next reading; events in between are passed over."""
    while isinstance(item := runner.next(), Event):
        continue
    return item


def next_event(runner: GuardianBench) -> Event:
    while isinstance(item := runner.next(), Reading):
        continue
    return item


def follow(runner: GuardianBench) -> NoReturn:
    """Take in whatever comes, until the bench is lost."""
    while True:
        runner.next()


@contextmanager
def guarded(
    path: Path,
    *,
    cells: Sequence[Mapping[str, Any]] | None = None,
    speed: float = 240.0,
    relay: bool = False,
    timing: Mapping[str, Value] | None = None,
    supply: Mapping[str, Value] | None = None,
    folder: Folder | None = None,
) -> Iterator[Guarded]:
    """Simulated bench and guardian up, the guardian's first act (off, proven) done.

    `folder` says everything of the bench, where it is not the usual one.
    """
    folder = folder or Folder(
        cells=cells or [cell(soc=0.95)] * 4,
        speed=speed,
        wiring={"lead_ohm": 0.005},
        relay=relay,
        timing=timing or {},
        supply=supply or {},
    )
    with simulated_bench(path, folder=folder) as sim:
        bench = Guarded(sim, launch(path))
        try:
            _wait_listening(bench, "off")
            yield bench
        finally:
            bench.heal()
            for session in bench.sessions:
                session.__exit__(None, None, None)
            bench.process.send_signal(signal.SIGCONT)
            bench.process.terminate()
            try:
                bench.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                bench.process.kill()
                bench.process.wait(timeout=5)


@contextmanager
def charging_runner(
    bench: Guarded, *, group: int | None = None, does: str = "charge"
) -> Iterator[subprocess.Popen[str]]:
    """A runner in a process of its own that charges, or draws; it says "on", then follows on.

    What it meets after being woken from a stop it prints as one line.  `group` is the process
    group that it joins, of another's making.
    """
    bench.token += 1
    bench.sim.hands.post("/links/on")
    program = [sys.executable, "-W", "error", "-m", "tests.faults.runner"]
    process = subprocess.Popen(
        [*program, str(bench.sim.config.socket), str(bench.token), does],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        process_group=group,
    )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            assert process.stdout.readline() == "on\n"
            assert bench.sim.output_is_on()
            yield process
        finally:
            process.kill()


def launch(path: Path, *, words: int | None = None) -> subprocess.Popen[bytes]:
    """A guardian, in a process group of its own; what it says goes to the descriptor `words`."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", *STATIONS, "guard", str(path / "bench.toml")],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        process_group=0,
        stderr=words,
    )


def _wait_listening(bench: Guarded, output: str) -> None:
    def answers() -> bool:
        assert bench.process.poll() is None, "the guardian has ended"
        return bench.output() == output

    wait_until(answers, within_s=20)
