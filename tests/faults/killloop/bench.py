"""One bench under fire: a technician who does job after job, and a killer beside it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from django.db import OperationalError, close_old_connections

from deploy.demo.client import Hands, Person, Refused
from shop.equipment.models import StationLease
from shop.jobs.models import Job, Run
from shop.jobs.states import TERMINAL, RunState
from stations.clock import wall_now
from tests.faults.killloop import aims, tree
from tests.wait import wait_until

OFF_WITHIN_S = {"worker child": 5.0, "worker main": 5.0, "guardian": 10.0, "whole bench": 10.0}
KILLS_PER_RUN = 6  # of ten attempts: the rest is for what a kill of one interrupts besides
RUN_S = 300.0
HANDS_DO = {"connect": "on", "unlink": "off"}


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill and what came of it; `off_s` where the output was on and had to go off."""

    bench: str
    victim: str
    aim: str
    run: int
    at: datetime
    was_on: bool
    off_s: float | None


class Budget:
    """The kills that are left, for all benches together."""

    def __init__(self, kills: int) -> None:
        self._lock = threading.Lock()
        self._left = kills

    def take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def give_back(self) -> None:
        with self._lock:
            self._left += 1


@dataclass
class Bench:
    """What one bench lives through; `faults` are what no kill may cause."""

    slug: str
    folder: Path
    technician: Person
    hands: Hands
    make_job: Callable[[], Job]
    rng: random.Random
    budget: Budget
    ended: threading.Event = field(default_factory=threading.Event)
    kills: list[Kill] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)

    def live(self) -> None:
        """Job after job until the kills are used up; the last run is left in peace to its end."""
        while not self.ended.is_set():
            try:
                run = self._start()
            except Exception as error:  # whatever it is, the loop must say so and end
                self.faults.append(f"{self.slug}: no start: {error!r}")
                self.ended.set()
                return
            self.runs.append(run)
            over = threading.Event()
            killer = threading.Thread(target=self._kill, args=(run, over), daemon=True)
            killer.start()
            try:
                self._attend(run)
            except Exception as error:  # whatever it is, the loop must say so and end
                self.faults.append(f"{self.slug}: run {run}: {error!r}")
                self.ended.set()
            finally:
                over.set()
                killer.join(timeout=60)

    def _start(self) -> int:
        self.hands.links("off")
        job = self.make_job()
        wait_until(self._is_free, within_s=60, period_s=0.2)
        self.technician.post(f"jobs/{job.pk}/claim", {"station": self.slug})
        return wait_until(lambda: self._begun(job), within_s=60, period_s=0.5, what="a start")

    def _begun(self, job: Job) -> int:
        """The run; 0 while it is refused, as where the bench is silent for the moment."""
        try:
            return int(self.technician.post(f"jobs/{job.pk}/start", {"confirmed": True})["id"])
        except Refused:
            return 0

    def _is_free(self) -> bool:
        close_old_connections()
        lease = StationLease.objects.get(station__slug=self.slug)
        alive = Run.objects.filter(station__slug=self.slug).exclude(state__in=TERMINAL)
        return lease.output_state == "OFF" and lease.owner is None and not alive.exists()

    def _attend(self, run: int) -> None:
        """Do what the run page asks for; what was done at the table is not done twice."""
        done: set[str] = set()

        def is_over() -> bool:
            seen = self.technician.get(f"runs/{run}")
            needs = seen["needs"]
            if needs is not None:
                self._do(run, str(needs["step"]), done)
            return seen["state"] in TERMINAL

        wait_until(is_over, within_s=RUN_S, period_s=0.3, what=f"run {run} to end")
        ended = Run.objects.get(pk=run)
        if ended.state != RunState.FINISHED:
            self.faults.append(f"{self.slug}: run {run} ended as {ended.state}: {ended.cause}")

    def _do(self, run: int, step: str, done: set[str]) -> None:
        if step in HANDS_DO and step not in done:
            if step == "unlink":
                self._see_full(run)
            self.hands.links(HANDS_DO[step])
            done.add(step)
        try:
            self.technician.post(f"runs/{run}/confirm", {"step": step})
        except (Refused, httpx.HTTPError):
            return  # interrupted at this very moment: asked again when it goes on

    def _see_full(self, run: int) -> None:
        """The truth of the cells when they are parted: a verdict must not be better than it."""
        cells = self.state()["cells"]
        low = [cell["soc"] for cell in cells if not cell["soc"] >= 0.99]
        if low:
            self.faults.append(f"{self.slug}: run {run}: cells at {low} were taken for full")

    def state(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.hands._http.base_url}/state", timeout=10.0)
        told: dict[str, Any] = answer.json()
        return told

    # The killer

    def _kill(self, run: int, over: threading.Event) -> None:
        for _ in range(self.rng.randint(3, KILLS_PER_RUN)):
            if over.is_set():
                break
            if not self.budget.take():
                self.ended.set()
                break
            self._one_kill(run, over)
        close_old_connections()

    def _one_kill(self, run: int, over: threading.Event) -> None:
        victim, aim = self.rng.choice(tree.VICTIMS), ""
        if self.rng.random() < 0.5:
            name, made = self.rng.choice(sorted(aims.aims(self.folder, self.slug).items()))
            database = name in ("lease", "chunk commit")
            aim = name if aims.wait_for(made(), database=database, ended=over) else ""
        if not aim:
            aims.at_random(self.rng, over)
        truth = aims.Truth(self.folder / "truth.jsonl")
        on, at = bool(self.state()["output"]), wall_now()
        if not tree.kill(self.slug, victim):
            self.budget.give_back()  # nobody was alive
            return
        off_s = self._off_after(truth, at, victim) if on and victim in OFF_WITHIN_S else None
        self.kills.append(Kill(self.slug, victim, aim, run, at, on, off_s))
        self._let_recover(victim, over)

    def _off_after(self, truth: aims.Truth, killed_at: datetime, victim: str) -> float:
        """Seconds to the relay's opening by the truth log; a fault where it took too long."""
        limit_s, offs = OFF_WITHIN_S[victim], list[float]()

        def is_off() -> bool:
            moments = [r["wall"] for r in truth.news() if r["kind"] == "relay" and not r["on"]]
            offs.extend((datetime.fromisoformat(m) - killed_at).total_seconds() for m in moments)
            return bool(offs)

        try:
            wait_until(is_off, within_s=limit_s + 5.0)
        except AssertionError:
            offs.append(float("inf"))
        took_s = min(offs)
        if took_s > limit_s:
            self.faults.append(f"{self.slug}: {victim} killed: off after {took_s:.2f} s")
        return took_s

    def _let_recover(self, victim: str, over: threading.Event) -> None:
        """Until who was killed is alive again: the next kill must find somebody."""
        names = {"worker child", "worker main", "guardian", "uplink"}
        wanted = names if victim == "whole bench" else {victim}

        def alive() -> bool:
            return over.is_set() or wanted <= set(tree.processes(self.slug))

        try:
            wait_until(alive, within_s=40, period_s=0.1)
        except (AssertionError, OperationalError) as error:
            self.faults.append(f"{self.slug}: {victim} did not come back: {error}")
