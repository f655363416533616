"""Store readings once: chunks that follow each other, equal replays ignored, others refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from psycopg import Cursor

from shop.jobs.models import JobEvent, Run
from shop.readings.chunks import Chunk
from shop.readings.models import ReadingChunk
from shop.refusals import Problem, Refusal

# The path of every reading, so one statement, which is a transaction by itself: insert the chunk
# if it follows the last one, and move the run's mark.  No row: it is a replay, or refused.
FOLLOW = """
WITH last AS (
    SELECT last_seq, hash FROM shop_readingchunk
     WHERE run_id = %(run)s AND attempt = %(attempt)s ORDER BY last_seq DESC LIMIT 1
), stored AS (
    INSERT INTO shop_readingchunk (run_id, attempt, first_seq, last_seq, prev_last_seq, count,
        columns, payload, prev_hash, hash, first_at, last_at, received_at)
    SELECT %(run)s::bigint, %(attempt)s::int, %(first_seq)s::bigint, %(last_seq)s::bigint,
        %(prev_last_seq)s::bigint, %(count)s::int, %(columns)s::jsonb, %(payload)s::bytea,
        %(prev_hash)s::text, %(hash)s::text, %(first_at)s::timestamptz,
        %(last_at)s::timestamptz, %(now)s::timestamptz
     WHERE (SELECT last_seq FROM last) IS NOT DISTINCT FROM %(prev_last_seq)s::bigint
       AND coalesce((SELECT hash FROM last), %(prev_hash)s::text) = %(prev_hash)s::text
    RETURNING last_seq
), marked AS (
    UPDATE shop_run SET stored_seq = stored.last_seq FROM stored
     WHERE shop_run.id = %(run)s AND shop_run.attempt = %(attempt)s
)
SELECT last_seq FROM stored
"""


class ChunkRefused(Refusal):
    """The chunk contradicts what is stored, or does not follow it; nothing was written."""


def store_chunk(*, run_id: int, attempt: int, chunk: Chunk, now: datetime) -> bool:
    """Whether the chunk was new; False when an equal one was stored before (a replay).

    Raises ChunkRefused when another chunk is stored in its place, and when it does not follow
    the last one.  The refusal is kept in the job's history, for it means that somebody's
    record is wrong.  The database refuses overlap, gap and fork by itself as well.
    """
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return _store(run_id, attempt, chunk, now)
    except IntegrityError as error:
        refused = _refused(run_id, attempt, chunk, "overlaps or forks what is stored")
        _record(run_id, attempt, chunk, refused, now)
        raise refused from error
    except ChunkRefused as refused:
        _record(run_id, attempt, chunk, refused, now)
        raise


def store_chunks(
    *, run_id: int, attempt: int, chunks: Iterable[Chunk], now: datetime
) -> list[Chunk]:
    """Store chunks that follow each other in one transaction; what was stored, all of them.

    The server stores one while the next is being made.  Raises ChunkRefused like `store_chunk`;
    then none of these is stored, or, where some were stored before, those up to the refused.
    """
    coming, sent = iter(chunks), []

    def values() -> Iterator[dict[str, Any]]:
        for chunk in coming:
            sent.append(chunk)
            yield _values(run_id, attempt, chunk, now)

    try:
        connection.ensure_connection()
        with (
            transaction.atomic(),
            connection.wrap_database_errors,
            Cursor(connection.connection) as cursor,
        ):
            cursor.executemany(FOLLOW, values())  # in a pipeline, prepared
            if cursor.rowcount == len(sent):
                return sent
    except IntegrityError:
        pass  # seen while chunks were still to come: those follow below
    stored = []
    for chunk in chain(sent, coming):
        store_chunk(run_id=run_id, attempt=attempt, chunk=chunk, now=now)
        stored.append(chunk)
    return stored


def _store(run_id: int, attempt: int, chunk: Chunk, now: datetime) -> bool:
    # A cursor of psycopg's own sends the payload as bytes; Django's would write it as text.
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(FOLLOW, _values(run_id, attempt, chunk, now))
        if cursor.fetchone() is not None:
            return True
    return _replayed(run_id, attempt, chunk)


def _values(run_id: int, attempt: int, chunk: Chunk, now: datetime) -> dict[str, Any]:
    return {
        "run": run_id,
        "attempt": attempt,
        "first_seq": chunk.first_seq,
        "last_seq": chunk.last_seq,
        "prev_last_seq": chunk.prev_last_seq,
        "count": chunk.count,
        "columns": json.dumps(chunk.columns),
        "payload": chunk.payload,
        "prev_hash": chunk.prev_hash,
        "hash": chunk.hash,
        "first_at": chunk.first_at,
        "last_at": chunk.last_at,
        "now": now,
    }


def _replayed(run_id: int, attempt: int, chunk: Chunk) -> bool:
    """False for an equal replay; ChunkRefused for anything else that did not follow."""
    stored = ReadingChunk.objects.filter(run_id=run_id, attempt=attempt)
    same = stored.filter(last_seq=chunk.last_seq).values("hash", "first_seq").first()
    if same is None:
        last = stored.aggregate(last=Max("last_seq"))["last"] or 0
        raise _refused(run_id, attempt, chunk, f"does not follow the last stored reading {last}")
    if same != {"hash": chunk.hash, "first_seq": chunk.first_seq}:
        raise _refused(run_id, attempt, chunk, "differs from the chunk that is stored there")
    return False


def _refused(run_id: int, attempt: int, chunk: Chunk, words: str) -> ChunkRefused:
    return ChunkRefused(
        [
            Problem(
                "chunk_refused",
                f"Readings {chunk.first_seq}…{chunk.last_seq} of run {run_id}, attempt {attempt}: "
                f"the chunk {words}.",
                "Keep the bench's journal and compare it with what is stored.",
            )
        ]
    )


def _record(run_id: int, attempt: int, chunk: Chunk, refused: ChunkRefused, now: datetime) -> None:
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        return
    JobEvent.objects.create(
        job_id=run.job_id,
        run=run,
        kind="chunk_refused",
        at=now,
        data={
            "attempt": attempt,
            "first_seq": chunk.first_seq,
            "last_seq": chunk.last_seq,
            "hash": chunk.hash,
            "words": str(refused),
        },
    )
