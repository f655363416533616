"""Reads of readings: the last stored one, the head of a chain, a curve to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from shop.jobs.models import Run
from shop.readings.chunks import GENESIS, Table, decode, readings_of
from shop.readings.columns import EPOCH, MILLIONTHS, Floats, Ints
from shop.readings.models import ReadingChunk
from stations.values import Reading

GAP_MIN_S = 10.0  # shorter holes are jitter of the sampling
GAP_FACTOR = 5.0  # of the median period


@dataclass(frozen=True, slots=True)
class Head:
    """Where the stored chain of one attempt ends; 0 and zeros before the first chunk."""

    last_seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A run's readings to draw: process seconds since `started_at`, None where not read.

    `gaps` are (from, to) in the same seconds: the samples stop there, and a point of None
    stands between.  `count` is how many readings the curve was made from.
    """

    started_at: datetime | None
    count: int
    t_s: tuple[float, ...]
    voltage_v: tuple[float | None, ...]
    supply_voltage_v: tuple[float | None, ...]
    supply_current_a: tuple[float | None, ...]
    cells_v: tuple[tuple[float | None, ...], ...]
    gaps: tuple[tuple[float, float], ...]
    temperature_c: tuple[float | None, ...] = ()  # the hottest probe


EMPTY = Curve(None, 0, (), (), (), (), (), ())


def head(*, run_id: int, attempt: int) -> Head:
    """The last stored seq and hash of one attempt."""
    row = (
        ReadingChunk.objects.filter(run_id=run_id, attempt=attempt)
        .order_by("-last_seq")
        .values_list("last_seq", "hash")
        .first()
    )
    return Head(*row) if row else Head(0, GENESIS)


def latest_reading(run: Run) -> Reading | None:
    """The last reading stored of the run's last attempt that has any."""
    chunk = ReadingChunk.objects.filter(run=run).order_by("-attempt", "-last_seq").first()
    if chunk is None:
        return None
    return readings_of(bytes(chunk.payload), first_seq=chunk.first_seq)[-1]


def curve(run: Run, points: int) -> Curve:
    """About `points` points of the run over all its attempts, extremes and gaps kept."""
    chunks = stored_tables(run)
    if not chunks:
        return EMPTY
    tables = [table for _, table in chunks]
    at_us: Ints = np.concatenate([table.values["at_us"] for table in tables])
    t_s = (at_us - at_us[0]) / MILLIONTHS
    columns = [
        column(tables, name) for name in ("voltage_uv", "supply_voltage_uv", "supply_current_ua")
    ]
    cells = [column(tables, f"cell_{n}_uv") for n in range(1, max(t.cells for t in tables) + 1)]
    kept = _kept(len(t_s), [*columns, *cells], points)
    attempts = np.repeat([attempt for attempt, _ in chunks], [table.count for table in tables])
    holes = _holes(t_s, attempts)
    kept = np.union1d(kept, np.concatenate([holes, holes + 1])) if len(holes) else kept
    breaks = np.searchsorted(kept, holes + 1)
    middle = (t_s[holes] + t_s[holes + 1]) / 2
    return Curve(
        started_at=EPOCH + timedelta(microseconds=int(at_us[0])),
        count=len(t_s),
        t_s=tuple(np.insert(t_s[kept], breaks, middle).tolist()),
        voltage_v=_shown(columns[0], kept, breaks),
        supply_voltage_v=_shown(columns[1], kept, breaks),
        supply_current_a=_shown(columns[2], kept, breaks),
        cells_v=tuple(_shown(cell, kept, breaks) for cell in cells),
        temperature_c=_shown(column(tables, "temperature_uc"), kept, breaks),
        gaps=tuple((float(t_s[i]), float(t_s[i + 1])) for i in holes),
    )


def stored_tables(run: Run) -> list[tuple[int, Table]]:
    """Every stored chunk of the run, decoded, with its attempt; in the order of the readings."""
    rows = ReadingChunk.objects.filter(run=run).order_by("attempt", "last_seq")
    stored = rows.values_list("attempt", "payload")
    return [(attempt, decode(bytes(payload))) for attempt, payload in stored]


def column(tables: Sequence[Table], name: str) -> Floats:
    """One column over all chunks; NaN in chunks that lack it (a scanner that was silent)."""
    return np.concatenate(
        [t.floats(name) if name in t.values else np.full(t.count, np.nan) for t in tables]
    )


def _kept(count: int, columns: Sequence[Floats], points: int) -> Ints:
    """Indices to draw: of each bucket the first, and where each column is least and greatest."""
    if count <= points:
        return np.arange(count)
    buckets = max(1, points // (2 * len(columns[:3]) + 1))
    edges = np.linspace(0, count, buckets + 1).astype(np.int64)
    kept = {0, count - 1}
    for column in columns[:3]:
        low = np.where(np.isnan(column), np.inf, column)
        high = np.where(np.isnan(column), -np.inf, column)
        for start, end in pairwise(edges):
            kept.add(int(start))
            kept.add(int(start + np.argmin(low[start:end])))
            kept.add(int(start + np.argmax(high[start:end])))
    return np.array(sorted(kept), dtype=np.int64)


def _holes(t_s: Floats, attempts: Ints) -> Ints:
    """Indices after which the samples stop: for longer than jitter explains, or for an attempt."""
    steps = np.diff(t_s)
    if not len(steps):
        return np.array([], dtype=np.int64)
    limit = max(GAP_MIN_S, GAP_FACTOR * float(np.median(steps)))
    return np.flatnonzero((steps > limit) | (np.diff(attempts) > 0))


def _shown(column: Floats, kept: Ints, breaks: Ints) -> tuple[float | None, ...]:
    values = np.insert(column[kept], breaks, np.nan)
    return tuple(None if value != value else value for value in values.tolist())
