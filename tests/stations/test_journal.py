"""The journal: chained, whole or cut at the tail, and nothing half written is ever read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.journal import (
    GENESIS,
    JournalCorrupt,
    JournalUnwritable,
    JournalWriter,
    chain,
    encode_record,
    last_record,
    read_records,
    verify,
)


def write(path: Path, count: int) -> JournalWriter:
    writer = JournalWriter.create(path)
    for number in range(count):
        writer.append({"kind": "sample", "n": number})
    writer.close()
    return writer


def test_each_line_follows_from_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"

    written = write(path, 3)

    previous = GENESIS
    for line in path.read_bytes().splitlines():
        digest, record = line.split(b" ", 1)
        previous = chain(previous, record)
        assert digest.decode() == previous
    assert (written.records, written.head) == (3, previous)
    assert verify(path) == (3, previous)


def test_reads_on_from_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    writer = JournalWriter.create(path)
    writer.append({"kind": "open"})
    first, offset = read_records(path)
    writer.append({"kind": "sample", "n": 1})
    writer.append({"kind": "close"})

    rest, end = read_records(path, offset)

    assert [record.kind for record in first] == ["open"]
    assert [record.kind for record in rest] == ["sample", "close"]
    assert end == path.stat().st_size == rest[-1].end
    assert read_records(path, end) == ([], end)


def test_leaves_a_line_that_is_still_being_written(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    write(path, 2)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"0123 half")

    records, end = read_records(path)

    assert (len(records), end) == (2, whole)
    with pytest.raises(JournalCorrupt, match="half a line"):
        verify(path)


@given(cut=st.integers(min_value=1, max_value=120))
def test_resume_cuts_a_torn_tail_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "7-1.jsonl"
    write(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines)[:-cut] if cut < len(lines[-1]) else b"".join(lines[:-1]))

    writer = JournalWriter.resume(path)
    writer.append({"kind": "close"})
    writer.close()

    records, _ = read_records(path)
    assert [record.kind for record in records] == ["sample"] * 3 + ["close"]
    assert verify(path)[0] == 4


def test_a_last_line_with_a_hole_is_cut_like_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    write(path, 3)
    data = path.read_bytes()
    path.write_bytes(data[:-20] + b"\0" * 19 + b"\n")

    JournalWriter.resume(path).close()

    assert verify(path)[0] == 2


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_line_is_found_and_nothing_is_cut(tmp_path: Path, line: int) -> None:
    path = tmp_path / "7-1.jsonl"
    write(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"n":', b'"m":')
    path.write_bytes(b"".join(lines))

    with pytest.raises(JournalCorrupt, match="does not follow"):
        read_records(path)
    with pytest.raises(JournalCorrupt, match="does not follow"):
        JournalWriter.resume(path)
    assert path.read_bytes() == b"".join(lines)


def test_a_dropped_line_is_found_from_any_offset(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    write(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2] + lines[3])

    with pytest.raises(JournalCorrupt):
        read_records(path, len(lines[0]))
    with pytest.raises(JournalCorrupt, match="no line ends"):
        read_records(path, len(lines[0]) + 5)


def test_links_to_a_record_longer_than_one_block_before(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    writer = JournalWriter.create(path)
    writer.append({"kind": "event", "words": "x" * 200_000})
    _, offset = read_records(path)
    writer.append({"kind": "close"})

    records, _ = read_records(path, offset)

    assert [record.kind for record in records] == ["close"]


def test_tells_the_last_record_from_the_tail_alone(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    writer = JournalWriter.create(path)
    assert last_record(path) == {}
    writer.append({"kind": "open"})
    assert last_record(path) == {"kind": "open"}
    writer.append({"kind": "close"})
    assert last_record(path) == {"kind": "close"}

    path.write_bytes(path.read_bytes()[:-1])

    assert last_record(path) == {}


def test_refuses_to_write_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_record({"voltage_v": float("nan")})


def test_refuses_to_begin_a_journal_twice(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    write(path, 1)

    with pytest.raises(FileExistsError):
        JournalWriter.create(path)


def test_a_full_disk_leaves_whole_records_only(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    writer = JournalWriter.create(path)
    head = writer.append({"kind": "open"})
    size = path.stat().st_size
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, unlimited[1]))
    try:
        with pytest.raises(JournalUnwritable):
            writer.append({"kind": "sample"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    assert (path.stat().st_size, writer.head, writer.records) == (size, head, 1)
    writer.append({"kind": "close"})
    assert verify(path)[0] == 2


_ENDLESS = """
import sys
from pathlib import Path
from stations.journal import JournalWriter
writer = JournalWriter.resume(Path(sys.argv[1]))
while True:
    writer.append({"kind": "sample", "n": writer.records, "pad": "x" * 300})
    sys.stdout.write(f"{writer.records}\\n")
    sys.stdout.flush()
"""


def test_kill_9_loses_no_record_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "7-1.jsonl"
    acknowledged = 0
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", _ENDLESS, str(path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        with process, process.stdout as output:
            for _ in range(25):
                acknowledged = int(output.readline())
            process.kill()
            rest = output.read()
        whole = rest[: rest.rfind(b"\n") + 1].split()
        acknowledged = int(whole[-1]) if whole else acknowledged

        JournalWriter.resume(path).close()
        records, _ = read_records(path)

        assert len(records) >= acknowledged
        assert [record.body["n"] for record in records] == list(range(len(records)))
    assert os.path.getsize(path) == records[-1].end
