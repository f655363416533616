"""What the guardian took against what the shop has kept, sample by sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from shop.jobs.models import Run
from shop.readings.chunks import readings_of
from shop.readings.models import ReadingChunk
from stations.journal import file_name, read_records
from stations.plain import from_plain
from stations.values import Reading
from tests.shop.jobs.shop_bench import ShopBench


def taken(bench: ShopBench, run: Run, attempt: int = 1) -> list[Reading]:
    """As journalled."""
    path = bench.guarded.sim.config.journal / file_name(str(run.pk), attempt)
    records = read_records(path)[0]
    return [from_plain(Reading, r.body["reading"]) for r in records if r.kind == "sample"]


def kept(run: Run, attempt: int = 1) -> list[Reading]:
    """As stored, in the order of the chunks."""
    chunks = ReadingChunk.objects.filter(run=run, attempt=attempt).order_by("first_seq")
    return [
        reading
        for chunk in chunks
        for reading in readings_of(bytes(chunk.payload), first_seq=chunk.first_seq)
    ]


def all_kept_once(bench: ShopBench, run: Run, attempt: int = 1) -> bool:
    """Every sample of the journal, from 1 on, stored once and unchanged."""
    source, stored = taken(bench, run, attempt), kept(run, attempt)
    assert [r.seq for r in source] == list(range(1, len(source) + 1))
    assert len(stored) <= len(source)
    assert [_content(r) for r in stored] == [_content(r) for r in source[: len(stored)]]
    return len(stored) == len(source)


def _content(reading: Reading) -> tuple[object, ...]:
    """What must be the same; NaN, of a meter that was silent, is itself here."""
    return reading.seq, reading.at, repr(reading.voltage_v), reading.flags


def period_p99_s(readings: Sequence[Reading], since: datetime, until: datetime) -> float:
    """Wall seconds from sample to sample while something was broken."""
    times = [r.received_at for r in readings if since <= r.received_at <= until]
    gaps = sorted((b - a).total_seconds() for a, b in pairwise([since, *times, until]))
    return gaps[math.ceil(0.99 * len(gaps)) - 1]
