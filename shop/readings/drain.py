"""One journal on its way into chunks: read what is new, cut, store, say when it is closed.

Nothing is remembered that cannot be read again: after any failure a new Drain begins at the
server's last stored seq, and an equal replay changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shop.readings.chunks import encode_all
from shop.readings.queries import Head, head
from shop.readings.services import store_chunks
from stations.clock import guard_s
from stations.journal import JournalRecord, read_records
from stations.plain import from_plain
from stations.values import Reading

SAMPLES_MIN = 60  # a chunk below this waits, so that its row does not weigh more than its data
WAIT_MAX_S = 60.0  # but no sample waits longer than this


@dataclass(frozen=True, slots=True)
class Cut:
    """When a chunk is cut: at most `samples_max`; from SAMPLES_MIN on after `wait_s`."""

    samples_max: int
    wait_s: float

    def is_due(self, number: int, waited_s: float) -> bool:
        if number >= self.samples_max or waited_s >= WAIT_MAX_S:
            return True
        return number >= SAMPLES_MIN and waited_s >= self.wait_s


class Drain:
    """`events` since the last `take_events`, `closed` once the close record is stored."""

    def __init__(self, path: Path, *, run_id: int, attempt: int) -> None:
        self.path = path
        self.run_id = run_id
        self.attempt = attempt
        self.token: int | None = None
        self.latest: Reading | None = None
        self.step: Mapping[str, Any] | None = None
        self.close: Mapping[str, Any] | None = None
        self._offset = 0
        self._pending: list[tuple[Reading, float]] = []
        self._since_s = guard_s()
        self._events: list[JournalRecord] = []
        self._head = head(run_id=run_id, attempt=attempt)

    @property
    def closed(self) -> bool:
        return self.close is not None and not self._pending

    def advance(self, cut: Cut, now: datetime) -> None:
        """Take in what the journal has, store what is due.

        Raises JournalCorrupt, ChunkRefused, or a database error; then begin a new Drain.
        """
        for record in self._new_records():
            self._take(record)
        waited_s = guard_s() - self._since_s
        if self.close is not None:
            self._store(len(self._pending), cut, now)
        elif cut.is_due(len(self._pending), waited_s):
            whole = len(self._pending) - len(self._pending) % cut.samples_max
            self._store(whole or len(self._pending), cut, now)

    def take_events(self) -> Sequence[JournalRecord]:
        events, self._events = self._events, []
        return events

    def _new_records(self) -> Iterator[JournalRecord]:
        if self.path.stat().st_size > self._offset:
            records, self._offset = read_records(self.path, self._offset)
            yield from records

    def _take(self, record: JournalRecord) -> None:
        if record.kind == "open":
            self.token = int(record.body["token"])
        elif record.kind == "event":
            self._events.append(record)
            if record.body["event"]["kind"] == "step":
                self.step = record.body["event"]["data"]
        elif record.kind == "close":
            self.close = record.body
        elif record.kind == "sample":
            self.latest = from_plain(Reading, record.body["reading"])
            if self.latest.seq > self._head.last_seq:
                if not self._pending:
                    self._since_s = guard_s()
                self._pending.append((self.latest, float(record.body.get("speed", 1.0))))

    def _store(self, number: int, cut: Cut, now: datetime) -> None:
        """The first `number` samples, as chunks of at most `cut.samples_max`."""
        if not number:
            return
        readings, speeds = zip(*self._pending[:number], strict=True)
        chunks = encode_all(
            readings,
            run_id=self.run_id,
            attempt=self.attempt,
            samples_max=cut.samples_max,
            speeds=speeds,
            prev_last_seq=self._head.last_seq or None,
            prev_hash=self._head.hash,
        )
        stored = store_chunks(run_id=self.run_id, attempt=self.attempt, chunks=chunks, now=now)
        self._head = Head(stored[-1].last_seq, stored[-1].hash)
        self._pending = self._pending[number:]
        self._since_s = guard_s()
