"""The moments that hurt most, each waited for by watching the files and rows where it shows."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shop.jobs.models import Run
from shop.jobs.states import TERMINAL

PATIENCE_S = 20.0  # then the kill is a random one
LOOK_S = 0.002
LOOK_AT_DATABASE_S = 0.02


class Truth:
    """The truth log of one simulated bench, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def news(self) -> list[Mapping[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]


def aims(folder: Path, slug: str) -> Mapping[str, Callable[[], Callable[[], bool]]]:
    """By name: what makes a look that says whether the moment is there."""
    return {
        "lease": lambda: _lease(slug),
        "first output on": lambda: _relay(folder, on=True),
        "output off": lambda: _relay(folder, on=False),
        "journal commit": lambda: _grows(folder / "journal"),
        "chunk commit": lambda: _stored(slug),
    }


def wait_for(look: Callable[[], bool], *, database: bool, ended: threading.Event) -> bool:
    """Whether the moment came before PATIENCE_S passed."""
    period_s = LOOK_AT_DATABASE_S if database else LOOK_S
    for _ in range(int(PATIENCE_S / period_s)):
        if look():
            return True
        if ended.wait(period_s):
            return False
    return False


def at_random(rng: random.Random, ended: threading.Event) -> None:
    ended.wait(rng.uniform(0.2, 8.0))


def _relay(folder: Path, *, on: bool) -> Callable[[], bool]:
    truth = Truth(folder / "truth.jsonl")
    return lambda: any(r["kind"] == "relay" and r["on"] is on for r in truth.news())


def _grows(journal: Path) -> Callable[[], bool]:
    def size() -> int:
        return sum(path.stat().st_size for path in journal.glob("*-*.jsonl"))

    before = size()
    return lambda: size() > before


def _lease(slug: str) -> Callable[[], bool]:
    before = Run.objects.filter(station__slug=slug).order_by("-pk").values_list("token", flat=True)
    last = before.first()
    return lambda: before.first() not in (last, None)


def _stored(slug: str) -> Callable[[], bool]:
    alive = Run.objects.filter(station__slug=slug).exclude(state__in=TERMINAL)
    seqs = alive.values_list("pk", "stored_seq")
    before = dict(seqs)
    return lambda: any(seq > before.get(run, seq) for run, seq in seqs)
