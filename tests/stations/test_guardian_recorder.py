"""What a guardian makes of the journals that a dead one left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stations.guardian.recorder import BENCH, Books, LeftOpen
from stations.journal import (
    JournalCorrupt,
    JournalUnwritable,
    JournalWriter,
    last_record,
    read_records,
    verify,
)

OUTCOME = {"kind": "ERROR", "reason": "guardian restarted"}
OFF = {"at": "2026-01-05T22:00:00+00:00"}


def left_open(path: Path, samples: int) -> Path:
    writer = JournalWriter.create(path)
    writer.append({"kind": "open"})
    for seq in range(1, samples + 1):
        writer.append({"kind": "sample", "reading": {"seq": seq}})
    writer.close()
    return path


def test_closes_every_journal_that_was_left_open_and_no_other(tmp_path: Path) -> None:
    books = Books(tmp_path)
    torn = left_open(tmp_path / "7-1.jsonl", samples=3)
    torn.write_bytes(torn.read_bytes()[:-10])
    header_only = left_open(tmp_path / "7-2.jsonl", samples=0)
    books.begin("8", 1, {"kind": "open"})
    books.end({"kind": "close", "outcome": {"kind": "FINISHED"}})

    assert books.end_left_open(OUTCOME, OFF) == LeftOpen()
    assert books.end_left_open(OUTCOME, OFF) == LeftOpen()  # once is enough

    assert last_record(torn) == {"kind": "close", "outcome": OUTCOME, "last_seq": 2, "off": OFF}
    assert last_record(header_only)["last_seq"] == 0
    assert last_record(tmp_path / "8-1.jsonl")["outcome"] == {"kind": "FINISHED"}
    for name, records in (("7-1", 4), ("7-2", 2), ("8-1", 2)):
        assert verify(tmp_path / f"{name}.jsonl")[0] == records
    books.close()


def test_a_broken_journal_is_put_aside_unchanged(tmp_path: Path) -> None:
    books = Books(tmp_path)
    broken = left_open(tmp_path / "7-1.jsonl", samples=3)
    data = broken.read_bytes().replace(b'"seq":1', b'"seq":9')
    broken.write_bytes(data)

    left = books.end_left_open(OUTCOME, OFF)

    assert (len(left.corrupt), left.refused) == (1, ())
    assert "does not follow" in left.corrupt[0]
    assert (tmp_path / "7-1.corrupt").read_bytes() == data
    assert not broken.exists()
    books.close()


def test_a_good_journal_that_a_full_disk_keeps_open_stays_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = Books(tmp_path)
    good = left_open(tmp_path / "7-1.jsonl", samples=3)
    data = good.read_bytes()
    with monkeypatch.context() as full:
        full.setattr("os.fdatasync", refuse)
        left = books.end_left_open(OUTCOME, OFF)

    assert (left.corrupt, len(left.refused)) == ((), 1)
    assert good.read_bytes() == data
    books.begin("8", 1, {"kind": "open"})
    assert books.end_left_open(OUTCOME, OFF) == LeftOpen()
    assert last_record(good)["kind"] == "close"
    assert last_record(tmp_path / "8-1.jsonl")["kind"] == "open"  # the present one is nobody's left
    books.close()


def test_a_journal_that_a_full_disk_keeps_open_is_ended_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = Books(tmp_path)
    books.begin("7", 1, {"kind": "open"})
    with monkeypatch.context() as full:
        full.setattr("os.fdatasync", refuse)
        with pytest.raises(JournalUnwritable):
            books.end({"kind": "close"})

    books.append({"kind": "event"})
    assert books.end({"kind": "close"})["records"] == 3

    assert last_record(tmp_path / "7-1.jsonl")["kind"] == "close"
    books.close()


def test_what_happens_outside_of_runs_goes_to_the_benchs_own_journal(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.append({"kind": "event", "n": 1})
    books.begin("7", 1, {"kind": "open"})
    books.append({"kind": "event", "n": 2})
    books.end({"kind": "close"})
    books.append({"kind": "event", "n": 3})
    books.close()

    records, _ = read_records(tmp_path / BENCH)

    assert [record.body["n"] for record in records] == [1, 3]


def test_a_broken_bench_journal_is_put_aside_and_begun_anew(tmp_path: Path) -> None:
    broken = left_open(tmp_path / BENCH, samples=3)
    broken.write_bytes(broken.read_bytes().replace(b'"seq":1', b'"seq":9'))
    with pytest.raises(JournalCorrupt):
        read_records(broken)

    books = Books(tmp_path)
    books.append({"kind": "event"})
    books.close()

    assert verify(tmp_path / BENCH)[0] == 1
    assert len(list(tmp_path.glob("bench.corrupt-*"))) == 1


def sample(seq: int, **more: str) -> dict[str, Any]:
    return {"kind": "sample", "reading": {"seq": seq}, **more}


def test_after_a_sample_that_the_disk_refused_no_other_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples without a hole: what cannot be stored in order could not be stored at all."""
    books = Books(tmp_path)
    books.begin("7", 1, {"kind": "open"})
    books.append(sample(1))
    with monkeypatch.context() as full:
        full.setattr("os.fdatasync", refuse)
        with pytest.raises(JournalUnwritable):
            books.append(sample(2))

    with pytest.raises(JournalUnwritable, match="sample 2 was lost"):
        books.append(sample(3))
    books.append({"kind": "event"})
    closed = books.end({"kind": "close"})
    books.close()

    assert (closed["last_seq"], closed["records"]) == (1, 4)
    assert last_record(tmp_path / "7-1.jsonl") == {"kind": "close", "last_seq": 1}


def refuse(descriptor: int) -> None:
    raise OSError(28, "No space left on device")
