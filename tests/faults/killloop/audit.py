"""After the last kill: every sample of every journal is stored once, and all evidence holds."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from shop.evidence.models import Balance
from shop.jobs.models import Run
from shop.jobs.states import RunState
from shop.readings.chunks import readings_of
from shop.readings.models import ReadingChunk
from stations.journal import read_records, verify
from stations.plain import from_plain
from stations.values import Reading
from tests.stations.sim.harness import ROOT

Sample = tuple[int, str, int, int]


def audit(runs: list[int], benches: dict[str, Path]) -> list[str]:
    """Every fault in words; counts of what was looked at are in `told`."""
    found: list[str] = []
    for run in Run.objects.filter(pk__in=runs).select_related("station"):
        for attempt in range(1, run.attempt + 1):
            path = benches[run.station.slug] / "journal" / f"{run.pk}-{attempt}.jsonl"
            found += _compare(run.pk, attempt, path)
        if run.state == RunState.FINISHED:
            balance = Balance.objects.filter(run=run).first()
            if balance is None or balance.completeness != "COMPLETE":
                found.append(f"run {run.pk} is finished without a complete balance")
    return found + _verified()


def _compare(run: int, attempt: int, path: Path) -> list[str]:
    stored = _stored(run, attempt)
    if not path.exists():
        return [f"run {run}-{attempt}: {len(stored)} samples of nowhere"] if stored else []
    verify(path)  # raises where the chain is broken
    records, _ = read_records(path)
    taken = [_sample(from_plain(Reading, r.body["reading"])) for r in records if r.kind == "sample"]
    if taken == stored:
        return []
    lost, extra = Counter(taken) - Counter(stored), Counter(stored) - Counter(taken)
    return [
        f"run {run}-{attempt}: {len(taken)} taken, {len(stored)} stored, "
        f"{lost.total()} lost, {extra.total()} doubled or changed"
    ]


def _stored(run: int, attempt: int) -> list[Sample]:
    chunks = ReadingChunk.objects.filter(run=run, attempt=attempt).order_by("first_seq")
    return [
        _sample(reading)
        for chunk in chunks
        for reading in readings_of(bytes(chunk.payload), first_seq=chunk.first_seq)
    ]


def _sample(reading: Reading) -> Sample:
    def millionths(value: float) -> int:
        return round(value * 1_000_000) if value == value else -1

    return (
        reading.seq,
        reading.at.isoformat(),
        millionths(reading.voltage_v),
        millionths(reading.supply_current_a),
    )


def _verified() -> list[str]:
    command = [sys.executable, "manage.py", "verify"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return [] if told.returncode == 0 else [f"verify: {told.stdout.strip()} {told.stderr.strip()}"]
