"""What somebody with the superuser's password can do to evidence, for tests that it is found out.

Nothing less works: the triggers fire for the superuser too, also under
session_replication_role = replica, so this hand has to take them off first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import connection

from shop.evidence.canonical import sha256_of
from shop.jobs.models import Run
from shop.readings.chunks import GENESIS, Chunk, encode, readings_of
from shop.readings.models import Manifest, ReadingChunk
from stations.values import Reading

Edit = Callable[[Reading], Reading]


@contextmanager
def superuser(*tables: str) -> Iterator[None]:
    """Inside, rows of `tables` can be changed: no trigger, no foreign key is in the way."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE shop_{table} DISABLE TRIGGER append_only")
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = origin")
            for table in tables:
                cursor.execute(f"ALTER TABLE shop_{table} ENABLE ALWAYS TRIGGER append_only")


def change(model: Any, pk: int, **values: Any) -> None:
    """Change fields of one row of evidence."""
    with superuser(model._meta.model_name):
        assert model.objects.filter(pk=pk).update(**values) == 1


def remove(model: Any, pk: int) -> None:
    with superuser(model._meta.model_name), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = %s", [pk])  # noqa: S608
        assert cursor.rowcount == 1


def one_reading_higher(seq: int) -> Edit:
    """An edit: a millivolt more in reading `seq`."""

    def edit(reading: Reading) -> Reading:
        more = reading.voltage_v + 0.001
        return replace(reading, voltage_v=more) if reading.seq == seq else reading

    return edit


def rewritten(run: Run, edit: Edit) -> list[Chunk]:
    """The run's chunks with edited readings and a chain that is right again."""
    chunks: list[Chunk] = []
    for row in ReadingChunk.objects.filter(run=run).order_by("last_seq"):
        before = chunks[-1] if chunks else None
        readings = readings_of(bytes(row.payload), first_seq=row.first_seq)
        chunks.append(
            encode(
                list(map(edit, readings)),
                run_id=run.pk,
                attempt=row.attempt,
                prev_last_seq=before.last_seq if before else None,
                prev_hash=before.hash if before else GENESIS,
            )
        )
    return chunks


def store(run: Run, chunks: Sequence[Chunk]) -> None:
    """In the place of the run's own, with the hashes that fit."""
    rows = ReadingChunk.objects.filter(run=run).order_by("last_seq")
    with superuser("readingchunk"):
        for row, chunk in zip(rows, chunks, strict=True):
            ReadingChunk.objects.filter(pk=row.pk).update(
                payload=chunk.payload, hash=chunk.hash, prev_hash=chunk.prev_hash
            )


def reseal(manifest: Manifest, changes: Mapping[str, Any], **fields: Any) -> str:
    """The manifest with changes in its body and the hash that fits, everywhere; the hash."""
    body = manifest.body | changes
    sha256 = sha256_of(body)
    with superuser("manifest", "balance"):
        Manifest.objects.filter(pk=manifest.pk).update(body=body, sha256=sha256, **fields)
        manifest.run.balance.__class__.objects.filter(run=manifest.run).update(
            manifest_sha256=sha256
        )
    return sha256
