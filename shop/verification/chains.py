"""The chunks of one attempt, one after the other: decoded, without a hole, chained.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.readings.chunks import GENESIS, ChunkBroken, Table, decode, verify
from shop.readings.columns import EPOCH
from shop.verification.faults import Fault


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A row of ReadingChunk."""

    id: int
    run: int
    attempt: int
    first_seq: int
    last_seq: int
    prev_last_seq: int | None
    count: int
    columns: Sequence[str]
    payload: bytes
    prev_hash: str
    hash: str
    first_at: datetime
    last_at: datetime


class Chain:
    """Takes the chunks of one attempt in order; what follows a broken one is judged by itself.

    `head_at` is the hash of the chunk that ends with `watched_seq`, None when there is none.
    """

    def __init__(self, watched_seq: int | None = None) -> None:
        self.last_seq = 0
        self.head = GENESIS
        self.chunks = 0
        self.chunks_at: int | None = None
        self.head_at: str | None = None
        self._watched_seq = watched_seq
        self._see()

    def take(self, chunk: StoredChunk) -> Iterator[Fault]:
        """The first thing that is wrong with `chunk`, if any."""
        problem = self._problem(chunk)
        self.last_seq, self.head = chunk.last_seq, chunk.hash
        self.chunks += 1
        self._see()
        if problem is not None:
            seq, words = problem
            yield Fault("ReadingChunk", chunk.id, words, chunk.run, chunk.attempt, seq)

    def _see(self) -> None:
        if self.last_seq == self._watched_seq:
            self.head_at, self.chunks_at = self.head, self.chunks

    def _problem(self, chunk: StoredChunk) -> tuple[int, str] | None:
        expected = self.last_seq + 1
        if chunk.first_seq != expected or (chunk.prev_last_seq or 0) != self.last_seq:
            return expected, f"begins at {chunk.first_seq} where {expected} should follow"
        if chunk.count != chunk.last_seq - chunk.first_seq + 1:
            return expected, f"says {chunk.count} readings up to {chunk.last_seq}"
        if chunk.prev_hash != self.head:
            return expected, "does not follow the chunk before it: the hashes differ"
        try:
            table = decode(chunk.payload)
            hashed = verify(
                chunk.payload,
                run_id=chunk.run,
                attempt=chunk.attempt,
                first_seq=chunk.first_seq,
                last_seq=chunk.last_seq,
                prev_hash=chunk.prev_hash,
            )
        except ChunkBroken as broken:
            return expected, f"cannot be read: {broken}"
        if hashed != chunk.hash:
            return expected, "is not what its hash says: its readings were changed or moved"
        if _shown(table) != (chunk.count, list(chunk.columns), chunk.first_at, chunk.last_at):
            return expected, "its row says another count, columns or times than its readings"
        return None


def _shown(table: Table) -> tuple[int, list[str], datetime, datetime]:
    at = table.values["at_us"]
    first, last = (EPOCH + timedelta(microseconds=int(at[i])) for i in (0, -1))
    return table.count, list(table.values), first, last
