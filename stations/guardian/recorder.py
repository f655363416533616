"""The journal as the guardian's loop uses it: a lane, so that a slow disk stops nobody.

Records are written in the order in which they were handed over; `done` comes back into the
loop when the disk has the record, or with the error that kept it from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stations.guardian.lane import CONTROL, Answer, Done, Lane, Post
from stations.journal import (
    JournalCorrupt,
    JournalError,
    JournalUnwritable,
    JournalWriter,
    file_name,
    last_record,
    read_records,
)

BENCH = "bench.jsonl"


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """Journals of a dead guardian that are not closed, in words."""

    corrupt: tuple[str, ...] = ()  # put aside, for a person to look at
    refused: tuple[str, ...] = ()  # by the disk, and still in their place


class Books:
    """The open files; used in the journal's lane only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._bench = _bench_journal(folder / BENCH)
        self._run: JournalWriter | None = None
        self._last_seq = 0  # of the run's samples, on disk

    def begin(self, run: str, attempt: int, header: Mapping[str, Any]) -> None:
        """A new journal with its header; nothing is left of one that cannot be written."""
        writer = JournalWriter.create(self._folder / file_name(run, attempt))
        try:
            writer.append(header)
        except JournalUnwritable:
            writer.close()
            writer.path.unlink()
            raise
        self._run, self._last_seq = writer, 0

    def append(self, body: Mapping[str, Any]) -> None:
        """To the run's journal, and to the bench's when there is no run.

        After a sample that the disk refused no other is taken: samples have no holes.
        """
        seq = body["reading"]["seq"] if body["kind"] == "sample" else None
        if seq is not None and self._run is not None and seq != self._last_seq + 1:
            raise JournalUnwritable(f"{self._run.path}: sample {self._last_seq + 1} was lost")
        (self._run or self._bench).append(body)
        if seq is not None:
            self._last_seq = seq

    def end(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write the close record and close the file; last seq, head and number of records.

        Where the disk refuses the journal stays open, to be ended again when there is room.
        """
        if self._run is None:
            raise JournalError("no journal is open")
        writer = self._run
        writer.append({**body, "last_seq": self._last_seq})
        self._run = None
        writer.close()
        return {"last_seq": self._last_seq, "head": writer.head, "records": writer.records}

    def end_left_open(self, outcome: Mapping[str, Any], off: Mapping[str, Any]) -> LeftOpen:
        """Close what a guardian that was killed left open; returns what cannot be closed.

        A journal whose chain is broken is put aside under another name, never changed; one that
        the disk refuses stays as it is, to be closed when there is room.
        """
        corrupt, refused = [], []
        present = self._run.path if self._run is not None else None
        for path in sorted(self._folder.glob("*.jsonl")):
            if path.name == BENCH or path == present or last_record(path).get("kind") == "close":
                continue
            try:
                _close_left_open(path, outcome, off)
            except JournalCorrupt as error:
                path.rename(path.with_suffix(".corrupt"))
                corrupt.append(str(error))
            except JournalUnwritable as error:
                refused.append(str(error))
        return LeftOpen(tuple(corrupt), tuple(refused))

    def close(self) -> None:
        self._bench.close()


def _bench_journal(path: Path) -> JournalWriter:
    try:
        return JournalWriter.resume(path)
    except JournalCorrupt:
        # Kept for a person to look at; the bench must go on recording.
        path.rename(path.with_suffix(f".corrupt-{path.stat().st_mtime_ns}"))
        return JournalWriter.create(path)


def _close_left_open(path: Path, outcome: Mapping[str, Any], off: Mapping[str, Any]) -> None:
    writer = JournalWriter.resume(path)
    try:
        records, _ = read_records(path)
        seqs = [r.body["reading"]["seq"] for r in records if r.kind == "sample"]
        last_seq = max(seqs, default=0)
        writer.append({"kind": "close", "outcome": outcome, "last_seq": last_seq, "off": off})
    finally:
        writer.close()


class Recorder:
    """Hands records to the journal's lane."""

    def __init__(self, folder: Path, post: Post) -> None:
        self._lane: Lane[Books] = Lane("journal", lambda: Books(folder), post)

    def begin(self, run: str, attempt: int, header: Mapping[str, Any], done: Done) -> None:
        self._submit(lambda books: books.begin(run, attempt, header), done)

    def append(self, body: Mapping[str, Any], done: Done) -> None:
        self._submit(lambda books: books.append(body), done)

    def end(self, body: Mapping[str, Any], done: Done) -> None:
        self._submit(lambda books: books.end(body), done)

    def end_left_open(self, outcome: Mapping[str, Any], off: Mapping[str, Any], done: Done) -> None:
        self._submit(lambda books: books.end_left_open(outcome, off), done)

    def leave(self) -> None:
        self._lane.leave(lambda books: books.close(), timeout_s=5.0)

    def _submit(self, work: Callable[[Books], Any], done: Callable[[Answer], None]) -> None:
        self._lane.submit(CONTROL, work, done)
