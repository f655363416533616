"""The bench's own record: append-only lines, chained by hash, on disk before anyone sees them.

A line is `<hash> <record>`: the record as compact JSON with sorted keys, the hash in hex, and
hash = SHA-256(previous hash as 64 ASCII characters + the record's bytes); the first previous
hash is 64 zeros.  So a line that was changed, dropped or moved breaks every hash after it.
One file per run and attempt, `<run>-<attempt>.jsonl`; `bench.jsonl` holds what happens outside
of runs.  Only the guardian writes; anybody may read while it does.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GENESIS = "0" * 64
_HASH_LENGTH = len(GENESIS)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_BLOCK = 1 << 16  # bytes read at once when looking backwards


class JournalError(Exception):
    """Base of what can be wrong with a journal; the message names the file."""


class JournalUnwritable(JournalError):
    """The disk refused: nothing of the record is left in the file.  No evidence, no charge."""


class JournalCorrupt(JournalError):
    """A line does not follow from the one before it; the message names the line's offset."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One line: its record, its hash, and where the next line begins."""

    body: Mapping[str, Any]
    hash: str
    end: int

    @property
    def kind(self) -> str:
        """ "open", "sample", "event" or "close"."""
        return str(self.body.get("kind", ""))


def file_name(run: str, attempt: int) -> str:
    return f"{run}-{attempt}.jsonl"


def encode_record(body: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed; ValueError for NaN, which plain data writes as null."""
    return _encode(body).encode()


def chain(previous: str, record: bytes) -> str:
    return hashlib.sha256(previous.encode("ascii") + record).hexdigest()


class JournalWriter:
    """The one writer of a file.  `append` returns when the record is on disk."""

    def __init__(self, path: Path, descriptor: int, *, head: str, records: int, size: int) -> None:
        self.path = path
        self.head = head
        self.records = records
        self._descriptor = descriptor
        self._size = size

    @classmethod
    def create(cls, path: Path) -> JournalWriter:
        """A new, empty journal; FileExistsError where there is one already."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        sync_folder(path.parent)
        return cls(path, descriptor, head=GENESIS, records=0, size=0)

    @classmethod
    def resume(cls, path: Path) -> JournalWriter:
        """Go on with an existing journal (or a new one), after cutting a torn tail.

        A last line that a crash left half written is cut; any other fault in the chain is
        JournalCorrupt, and the file stays as it is for a person to look at.
        """
        if not path.exists():
            return cls.create(path)
        records, good = _whole(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        os.ftruncate(descriptor, good)
        os.fsync(descriptor)
        head = records[-1].hash if records else GENESIS
        return cls(path, descriptor, head=head, records=len(records), size=good)

    def append(self, body: Mapping[str, Any]) -> str:
        """Write one record and return its hash once the disk has it.

        Raises JournalUnwritable when the disk is full or fails, leaving the file as it was.
        """
        record = encode_record(body)
        digest = chain(self.head, record)
        line = digest.encode("ascii") + b" " + record + b"\n"
        try:
            self._write(line)
        except OSError as error:
            raise JournalUnwritable(f"{self.path}: {error.strerror or error}") from error
        self._size += len(line)
        self.head = digest
        self.records += 1
        return digest

    def _write(self, line: bytes) -> None:
        try:
            written = os.pwrite(self._descriptor, line, self._size)
            while written < len(line):
                written += os.pwrite(self._descriptor, line[written:], self._size + written)
            os.fdatasync(self._descriptor)  # the data and the file's size
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_records(path: Path, from_offset: int = 0) -> tuple[list[JournalRecord], int]:
    """Every whole record from `from_offset` (0, or what this function returned last) on.

    Returns them with the offset to go on from; a line still being written is left for the
    next call.  Raises JournalCorrupt where the chain, including the link to the record before
    `from_offset`, does not hold.
    """
    with path.open("rb") as file:
        previous = _hash_before(file.fileno(), from_offset, path)
        file.seek(from_offset)
        data = file.read()
    records: list[JournalRecord] = []
    offset = from_offset
    for line in data.split(b"\n")[:-1]:
        record = _parse(line, previous, offset, path)
        records.append(record)
        previous, offset = record.hash, record.end
    return records, offset


def last_record(path: Path) -> Mapping[str, Any]:
    """The body of the last line, {} where that line is torn or broken; reads only the tail."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        try:
            line = _line_before(file.fileno(), size, path)
            start = size - len(line) - 1
            return _parse(line, _hash_before(file.fileno(), start, path), start, path).body
        except JournalCorrupt:
            return {}


def verify(path: Path) -> tuple[int, str]:
    """Number of records and the chain's head; JournalCorrupt where it breaks or is torn."""
    records, end = read_records(path)
    if end != path.stat().st_size:
        raise JournalCorrupt(f"{path}: half a line at offset {end}")
    return len(records), records[-1].hash if records else GENESIS


def sync_folder(folder: Path) -> None:
    """Make a new or renamed file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole(path: Path) -> tuple[list[JournalRecord], int]:
    """All good records, and where the tail to cut begins."""
    data = path.read_bytes()
    records: list[JournalRecord] = []
    previous, offset = GENESIS, 0
    lines = data.split(b"\n")[:-1]
    for number, line in enumerate(lines):
        try:
            record = _parse(line, previous, offset, path)
        except JournalCorrupt:
            # A crash can leave blocks of the last write only; what is before it was synced.
            if number == len(lines) - 1:
                break
            raise
        records.append(record)
        previous, offset = record.hash, record.end
    return records, offset


def _parse(line: bytes, previous: str, offset: int, path: Path) -> JournalRecord:
    digest, separator, record = line[:_HASH_LENGTH], line[_HASH_LENGTH:][:1], line[65:]
    expected = chain(previous, record)
    if digest != expected.encode("ascii") or separator != b" ":
        raise JournalCorrupt(f"{path}: the line at offset {offset} does not follow from the last")
    body = json.loads(record)
    return JournalRecord(body=body, hash=expected, end=offset + len(line) + 1)


def _hash_before(descriptor: int, offset: int, path: Path) -> str:
    if offset == 0:
        return GENESIS
    return _line_before(descriptor, offset, path)[:_HASH_LENGTH].decode("ascii", "replace")


def _line_before(descriptor: int, offset: int, path: Path) -> bytes:
    """The line whose newline is the byte before `offset`."""
    begin = offset - 1
    tail = b""
    while begin > 0 and b"\n" not in tail:
        start = max(0, begin - _BLOCK)
        tail = os.pread(descriptor, begin - start, start) + tail
        begin = start
    line = tail.rsplit(b"\n", 1)[-1]
    ended = offset > 0 and os.pread(descriptor, 1, offset - 1) == b"\n"
    if not ended or len(line) <= _HASH_LENGTH:
        raise JournalCorrupt(f"{path}: no line ends at offset {offset}")
    return line
