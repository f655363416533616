"""Store readings once: chunks that follow each other, equal replays ignored, others refused."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from shop.jobs.models import JobEvent, Run
from shop.readings.chunks import Chunk
from shop.readings.models import ReadingChunk
from shop.refusals import Problem, Refusal


class ChunkRefused(Refusal):
    """The chunk contradicts what is stored, or does not follow it; nothing was written."""


def store_chunk(*, run_id: int, attempt: int, chunk: Chunk, now: datetime) -> bool:
    """Whether the chunk was new; False when an equal one was stored before (a replay).

    Raises ChunkRefused when another chunk is stored in its place, and when it does not follow
    the last one.  The refusal is kept in the job's history, for it means that somebody's
    record is wrong.  The database refuses overlap, gap and fork by itself as well.
    """
    try:
        with transaction.atomic():
            return _store(run_id, attempt, chunk, now)
    except IntegrityError as error:
        refused = _refused(run_id, attempt, chunk, "overlaps or forks what is stored")
        _record(run_id, attempt, chunk, refused, now)
        raise refused from error
    except ChunkRefused as refused:
        _record(run_id, attempt, chunk, refused, now)
        raise


def _store(run_id: int, attempt: int, chunk: Chunk, now: datetime) -> bool:
    stored = ReadingChunk.objects.filter(run_id=run_id, attempt=attempt)
    same = stored.filter(last_seq=chunk.last_seq).values("hash", "first_seq").first()
    if same is not None:
        if same == {"hash": chunk.hash, "first_seq": chunk.first_seq}:
            return False
        raise _refused(run_id, attempt, chunk, "differs from the chunk that is stored there")
    last = stored.order_by("-last_seq").values("last_seq", "hash").first()
    follows = (last["last_seq"], last["hash"]) if last else (None, chunk.prev_hash)
    if (chunk.prev_last_seq, chunk.prev_hash) != follows:
        at = last["last_seq"] if last else 0
        raise _refused(run_id, attempt, chunk, f"does not follow the last stored reading {at}")
    ReadingChunk.objects.create(
        run_id=run_id,
        attempt=attempt,
        first_seq=chunk.first_seq,
        last_seq=chunk.last_seq,
        prev_last_seq=chunk.prev_last_seq,
        count=chunk.count,
        columns=list(chunk.columns),
        payload=chunk.payload,
        prev_hash=chunk.prev_hash,
        hash=chunk.hash,
        first_at=chunk.first_at,
        last_at=chunk.last_at,
        received_at=now,
    )
    Run.objects.filter(pk=run_id, attempt=attempt).update(stored_seq=chunk.last_seq)
    return True


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
