"""One short run after the other on a bench of the demo, timed by its truth log.

Import this once Django is set up for the demo's data.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from celery import Celery
from django.conf import settings
from django.db import connections, transaction

from deploy import embedded
from deploy.demo.client import Hands, Person
from shop import clock
from shop.equipment.models import Station, StationLease
from shop.jobs.models import Job, Run
from shop.jobs.services.acts import confirm_step
from shop.jobs.services.orders import claim_job
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.people.models import User
from stations.clock import guard_s, wall_now
from stations.sim.riden import LATENCY_S, OUTPUT
from tests.benchmarks.bare import BROKER, NOTE
from tests.stations.sim.harness import ROOT
from tests.wait import wait_until

TECHNICIAN = "technician"
OFF = {"register": OUTPUT, "value": 0}  # the first thing that a supply hears of a run


@dataclass(frozen=True)
class Round:
    """Seconds: a bare task's start, a run's start, a stop."""

    bare_s: float
    start_s: float
    stop_s: float


class Bench:
    """One bench of the demo and its technician; `hands` is where the simulated hands are."""

    def __init__(self, number: int, slug: str, *, folder: Path, url: str, hands: str) -> None:
        passwords = json.loads((folder / "demo-people.json").read_text())
        self._person = Person(url, TECHNICIAN, passwords[TECHNICIAN])
        self._hands = Hands(hands)
        self._truth = folder / "benches" / slug / "truth.jsonl"
        self._slug, self._number = slug, number
        self._mark = 0  # where in the truth log this round begins

    def play(self, runs: int, bare_start_s: Callable[[], float]) -> list[Round]:
        try:
            by = User.objects.get(username=TECHNICIAN)
            job = Job.objects.filter(state=JobState.OPEN).order_by("pk")[self._number]
            station = Station.objects.get(slug=self._slug)
            claim_job(job=job, station=station, by=by, now=clock.now())
            return [self._round(job, by, bare_start_s) for _ in range(1 + runs)][1:]
        finally:
            connections.close_all()

    def _round(self, job: Job, by: User, bare_start_s: Callable[[], float]) -> Round:
        wait_until(self._is_free, within_s=60, period_s=0.1)
        bare_s = bare_start_s()
        self._mark = self._truth.stat().st_size
        run, committed = self._start(job, by)
        heard = self._first("set")
        assert heard.items() >= OFF.items(), heard
        start_s = (_wall(heard) - committed).total_seconds() - LATENCY_S
        self._charge(run, by)
        threading.Event().wait(random.uniform(0.2, 0.7))  # anywhere in the uplink's period
        stop_s = self._stop(run)
        self._hands.links("off")
        self._wait(run, lambda: run.is_over)
        assert run.state == RunState.STOPPED, run.cause
        return Round(bare_s, start_s, stop_s)

    def _is_free(self) -> bool:
        lease = StationLease.objects.get(station__slug=self._slug)
        return lease.owner is None and lease.output_state == "OFF"

    def _start(self, job: Job, by: User) -> tuple[Run, datetime]:
        """A started run, and when that was committed."""
        committed: list[datetime] = []
        job.refresh_from_db()
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(wall_now()))
            run = start_run(job=job, by=by, now=clock.now())
        return run, committed[0]

    def _charge(self, run: Run, by: User) -> None:
        self._wait(run, lambda: (run.step or {}).get("name") == "connect")
        self._hands.links("on")
        confirm_step(run=run, step="connect", by=by, now=clock.now())
        self._first("relay", on=True)

    def _stop(self, run: Run) -> float:
        asked = wall_now()
        self._person.post(f"runs/{run.pk}/stop")
        return (_wall(self._first("relay", on=False)) - asked).total_seconds()

    def _wait(self, run: Run, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            run.refresh_from_db()
            return condition()

        wait_until(holds, within_s=60, period_s=0.1, what=f"run {run.pk}")

    def _first(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The round's first line of the truth log of that kind, with these fields."""

        def found() -> dict[str, Any]:
            with self._truth.open() as file:
                file.seek(self._mark)
                whole, _, _ = file.read().rpartition("\n")
            records: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
            wanted = {"kind": kind, **fields}.items()
            return next((record for record in records if record.items() >= wanted), {})

        return wait_until(found, within_s=30, period_s=0.05, what=f"{kind} {fields}")


def _wall(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["wall"])


@contextmanager
def bare_worker(folder: Path) -> Iterator[Callable[[], float]]:
    """A worker of the bare application; call for the seconds from sending to the task's start."""
    os.environ[BROKER] = embedded.plan(folder).redis_url(1)
    app = Celery(broker=os.environ[BROKER], set_as_current=False)
    command = [sys.executable, "-m", "celery", "-q", "-A", "tests.benchmarks.bare", "worker"]
    options = ["-P", "prefork", "-c", "1", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    noted, one_at_a_time = folder / "bare", threading.Lock()

    def start_s() -> float:
        with one_at_a_time:
            noted.unlink(missing_ok=True)
            sent_s = guard_s()
            app.send_task(NOTE, [str(noted)])
            wait_until(lambda: noted.exists() and noted.read_text(), within_s=30)
            return float(noted.read_text()) - sent_s

    try:
        start_s()
        yield start_s
    finally:
        process.terminate()
        process.wait(timeout=30)


def leave() -> None:
    """The demo's servers are its own again."""
    connections.close_all()
    embedded.leave(settings.CELLSHOP_DATA)
