"""Readings are stored once: equal replay is a no-op, all else is refused (F4, T4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from shop.jobs.models import JobEvent, Run
from shop.readings import queries
from shop.readings.chunks import Chunk, encode, encode_all
from shop.readings.models import ReadingChunk
from shop.readings.services import ChunkRefused, store_chunk, store_chunks
from stations.values import Reading
from tests import factories
from tests.cast import Cast, the_cast
from tests.factories import NOON
from tests.faults.matrix import Trial
from tests.race import race
from tests.shop.readings.samples import make_readings
from tests.wait import wait_until

READINGS = make_readings(200)
# Transactions of this database that have written (True), or wait for one that has (False).
TRANSACTIONS = """SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'transactionid' AND granted = %s AND datname = current_database()"""


@pytest.fixture
def run(cast: Cast) -> Run:
    return factories.make_run(by=cast.tola)


def cut(run: Run, first: int, last: int, before: Chunk | None = None) -> Chunk:
    """The chunk of seq first…last, following `before`."""
    return encode(
        READINGS[first - 1 : last],
        run_id=run.pk,
        attempt=1,
        prev_last_seq=before.last_seq if before else None,
        prev_hash=before.hash if before else "0" * 64,
    )


def store(run: Run, chunk: Chunk) -> bool:
    return store_chunk(run_id=run.pk, attempt=1, chunk=chunk, now=NOON)


def ask(query: str, parameters: list[Any]) -> Any:
    """The one value of `query`, asked on a connection of its own."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchone()[0]
    finally:
        other.close()


def test_stores_chunks_that_follow_each_other(run: Run) -> None:
    first = cut(run, 1, 60)
    second = cut(run, 61, 200, first)

    assert store(run, first)
    assert store(run, second)

    run.refresh_from_db()
    assert run.stored_seq == 200
    assert queries.head(run_id=run.pk, attempt=1) == queries.Head(200, second.hash)


def test_an_equal_replay_changes_nothing(run: Run) -> None:
    first = cut(run, 1, 60)
    store(run, first)
    store(run, cut(run, 61, 200, first))

    assert not store(run, first)

    assert ReadingChunk.objects.count() == 2
    run.refresh_from_db()
    assert run.stored_seq == 200


def test_many_chunks_are_stored_together_or_not_at_all(run: Run) -> None:
    chunks = list(encode_all(READINGS, run_id=run.pk, attempt=1, samples_max=60))
    other = [replace(READINGS[0], voltage_v=3.2), *READINGS[1:]]
    forged = list(encode_all(other, run_id=run.pk, attempt=1, samples_max=60))

    first = store_chunks(run_id=run.pk, attempt=1, chunks=iter(chunks), now=NOON)
    again = store_chunks(run_id=run.pk, attempt=1, chunks=iter(chunks), now=NOON)
    with pytest.raises(ChunkRefused, match="differs"):
        store_chunks(run_id=run.pk, attempt=1, chunks=forged, now=NOON)

    assert first == again == chunks
    run.refresh_from_db()
    assert (ReadingChunk.objects.count(), run.stored_seq) == (4, 200)
    with pytest.raises(ChunkRefused, match="does not follow"):
        store_chunks(run_id=run.pk, attempt=2, chunks=chunks[1:], now=NOON)
    assert ReadingChunk.objects.count() == 4


def test_the_statement_of_every_chunk_is_planned_once(run: Run) -> None:
    chunks = encode_all(READINGS, run_id=run.pk, attempt=1, samples_max=2)

    store_chunks(run_id=run.pk, attempt=1, chunks=chunks, now=NOON)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(generic_plans) > 80 FROM pg_prepared_statements"
            " WHERE statement LIKE '%INTO shop_readingchunk%'"
        )
        assert cursor.fetchone() == (True,)


@pytest.mark.fault("43", "chunk sent again with another content", trials=20)
def test_refuses_other_content_in_the_same_place_and_remembers_it(run: Run, trial: Trial) -> None:
    store(run, first := cut(run, 1, 60))
    other = [replace(READINGS[0], voltage_v=3.2), *READINGS[1:60]]

    with pytest.raises(ChunkRefused, match="differs from the chunk"):
        store(run, forged := encode(other, run_id=run.pk, attempt=1))

    trial.happened(forged.hash != first.hash)
    assert bytes(ReadingChunk.objects.get().payload) == first.payload

    assert JobEvent.objects.get(kind="chunk_refused").data["last_seq"] == 60
    assert queries.latest_reading(run) is not None
    assert ReadingChunk.objects.count() == 1


@pytest.mark.fault("43", "chunk with gap, overlap or fork", trials=20)
def test_refuses_gap_overlap_and_fork(run: Run, trial: Trial) -> None:
    first = cut(run, 1, 60)
    store(run, first)
    gap = cut(run, 101, 150, replace(first, last_seq=100))
    overlap = cut(run, 51, 150, replace(first, last_seq=50))
    restart = cut(run, 1, 70)
    forged = cut(run, 61, 150, replace(first, hash="f" * 64))

    for chunk in (gap, overlap, restart, forged):
        with pytest.raises(ChunkRefused, match="does not follow"):
            store(run, chunk)

    trial.happened(JobEvent.objects.filter(kind="chunk_refused").count() == 4)
    stored = ReadingChunk.objects.get()
    assert (stored.last_seq, bytes(stored.payload)) == (60, first.payload)


@pytest.mark.fault("43", "chunk that does not follow, put in past the program", trials=5)
@pytest.mark.parametrize(
    ("first", "last", "prev"),
    [(101, 150, 100), (51, 150, 50), (1, 70, None), (61, 150, 70), (61, 150, None)],
    ids=["gap", "overlap", "second first chunk", "skips", "forgets what was before"],
)
def test_the_database_itself_refuses_what_does_not_follow(
    run: Run, first: int, last: int, prev: int | None, trial: Trial
) -> None:
    store(run, cut(run, 1, 60))
    good = ReadingChunk.objects.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        ReadingChunk.objects.create(
            run=run,
            attempt=1,
            first_seq=first,
            last_seq=last,
            prev_last_seq=prev,
            count=last - first + 1,
            columns=[],
            payload=good.payload,
            prev_hash=good.hash,
            hash="0" * 64,
            first_at=good.last_at,
            last_at=good.last_at,
        )
    trial.happened(ReadingChunk.objects.get() == good)


def test_the_database_itself_refuses_a_fork(run: Run) -> None:
    first = cut(run, 1, 60)
    second = cut(run, 61, 120, first)
    store(run, first)
    store(run, second)
    row = ReadingChunk.objects.get(last_seq=120)
    row.pk, row.last_seq, row.count = None, 121, 61

    with pytest.raises(IntegrityError, match="chunk_no_fork"), transaction.atomic():
        row.save(force_insert=True)


def test_a_stored_chunk_is_never_changed_or_deleted(run: Run) -> None:
    store(run, cut(run, 1, 60))

    with pytest.raises(IntegrityError, match="append-only: UPDATE"), transaction.atomic():
        ReadingChunk.objects.update(hash="f" * 64)
    with pytest.raises(IntegrityError, match="append-only: DELETE"), transaction.atomic():
        ReadingChunk.objects.all()._raw_delete("default")


@pytest.mark.django_db(transaction=True)
def test_two_uplinks_at_once_store_each_reading_once() -> None:
    run = factories.make_run(by=the_cast().tola)

    def drain(_: int) -> str:
        before: Chunk | None = None
        for last in range(20, 201, 20):
            chunk = cut(run, last - 19, last, before)
            try:
                store(run, chunk)
            except ChunkRefused:
                return "refused"
            before = chunk
        return "drained"

    race([drain, drain])

    rows = ReadingChunk.objects.order_by("last_seq")
    assert [row.last_seq for row in rows] == list(range(20, 201, 20))


@pytest.mark.django_db(transaction=True)
def test_losing_a_race_midway_still_stores_what_was_not_sent_yet() -> None:
    run = factories.make_run(by=the_cast().tola)
    made = list(encode_all(READINGS, run_id=run.pk, attempt=1, samples_max=20))
    first_is_in, second_waits = Event(), Event()

    def before_the_first_commits() -> Iterator[Chunk]:
        yield made[0]
        wait_until(lambda: ask(TRANSACTIONS, [True]))
        first_is_in.set()
        assert second_waits.wait(10)

    def while_the_first_commits() -> Iterator[Chunk]:
        assert first_is_in.wait(10)
        yield made[0]
        wait_until(lambda: ask(TRANSACTIONS, [False]))
        second_waits.set()
        wait_until(lambda: not ask(TRANSACTIONS, [False]))
        yield from made[1:]

    def drain(chunks: Iterator[Chunk]) -> int:
        return len(store_chunks(run_id=run.pk, attempt=1, chunks=chunks, now=NOON))

    stored = race(
        [lambda _: drain(before_the_first_commits()), lambda _: drain(while_the_first_commits())]
    )

    assert stored == [(1, 10)]
    assert ReadingChunk.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_a_connection_lost_midway_stores_nothing_and_is_a_database_error() -> None:
    run = factories.make_run(by=the_cast().tola)
    made = list(encode_all(READINGS, run_id=run.pk, attempt=1, samples_max=20))
    server = connection.connection.info.backend_pid

    def cut_off() -> Iterator[Chunk]:
        yield made[0]
        assert ask("SELECT pg_terminate_backend(%s, 10000)", [server])
        yield from made[1:]

    with pytest.raises(OperationalError):
        store_chunks(run_id=run.pk, attempt=1, chunks=cut_off(), now=NOON)

    connection.close()
    assert not ReadingChunk.objects.exists()


def test_readings_come_back_as_they_were(run: Run) -> None:
    store(run, cut(run, 1, 60))

    latest: Reading | None = queries.latest_reading(run)

    assert repr(latest) == repr(READINGS[59])
