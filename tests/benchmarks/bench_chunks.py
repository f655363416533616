"""From samples to stored chunks, against a bare binary COPY of the same rows into a heap.

One throw-away embedded PostgreSQL, one connection.  The COPY writes the same 8 columns with run,
attempt and seq, but without an index, a chain or a check, and commits once; ours encodes, hashes,
checks what is stored, and commits.  They take turns, and the fastest of each counts: what other
programs take of the machine only ever adds.  Size on disk counts everything: rows, keys,
overflow tables.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stations.values import Reading
from tests import services
from tests.benchmarks.report import report

if TYPE_CHECKING:
    from shop.jobs.models import Run

SAMPLES = 60_000
IN_A_CHUNK = 600
IN_A_SMALL_CHUNK = 300  # about what a fast simulated bench sends within CHUNK_MAX_S
ROUNDS = 40  # so that each side meets a quiet moment on a machine that others use too
COPY = "COPY bare FROM STDIN (FORMAT BINARY)"
HEAP = """CREATE TABLE bare (run int8, attempt int4, seq int8, at timestamptz,
    received timestamptz, age float8, voltage float8, supply_v float8, supply_a float8,
    temperature float8, state int2)"""
TYPES = ["int8", "int4", "int8", "timestamptz", "timestamptz", *["float8"] * 5, "int2"]


def main() -> bool:
    services.prepare()
    os.environ["DJANGO_SETTINGS_MODULE"] = "deploy.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    try:
        return _figures()
    finally:
        services.clean_up()


def _figures() -> bool:
    from tests.shop.readings.samples import make_readings

    readings = make_readings(SAMPLES, cells=0)
    gc.freeze()  # what only the benchmark keeps must not be searched for garbage in its middle
    rounds = [(_copy_s(readings), _chunks_s(readings, IN_A_CHUNK)) for _ in range(ROUNDS)]
    fastest_copy, fastest_chunks = (min(times) for times in zip(*rounds, strict=True))
    before = _size_on_disk()
    _chunks_s(readings, IN_A_SMALL_CHUNK)
    size = (_size_on_disk() - before) / SAMPLES
    return all(
        [
            report(
                "samples to stored chunks, rows/s, by bare COPY",
                fastest_copy / fastest_chunks,
                unit="x COPY",
                at_least=0.4,
            ),
            report(
                "a sample of 8 columns on disk, everything counted",
                size,
                unit="bytes",
                at_most=12,
            ),
        ]
    )


def _chunks_s(readings: Sequence[Reading], in_a_chunk: int) -> float:
    from shop.readings.chunks import encode_all
    from shop.readings.services import store_chunks

    run = _run()
    started = time.perf_counter()
    chunks = encode_all(readings, run_id=run.pk, attempt=1, samples_max=in_a_chunk)
    store_chunks(run_id=run.pk, attempt=1, chunks=chunks, now=datetime(2026, 11, 21, tzinfo=UTC))
    return time.perf_counter() - started


def _copy_s(readings: Sequence[Reading]) -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare")
        cursor.execute(HEAP)
        started = time.perf_counter()
        with cursor.cursor.copy(COPY) as copy:
            copy.set_types(TYPES)
            for r in readings:
                copy.write_row(
                    (
                        1,
                        1,
                        r.seq,
                        r.at,
                        r.received_at,
                        r.age_s,
                        r.voltage_v,
                        r.supply_voltage_v,
                        r.supply_current_a,
                        r.temperature_c,
                        1 if r.output_on else 0,
                    )
                )
        return time.perf_counter() - started


def _size_on_disk() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('shop_readingchunk')")
        return int(cursor.fetchone()[0])


def _run() -> Run:
    from shop.jobs.states import RunState
    from shop.people.models import User
    from shop.people.roles import Role
    from tests import factories

    by, _ = User.objects.get_or_create(username="bench", role=Role.TECHNICIAN)
    return factories.make_run(by=by, state=RunState.FINISHED)
