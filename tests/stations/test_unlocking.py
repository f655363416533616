"""F4: whoever looked at a supply that did not obey is on record, also where no guardian runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.__main__ import main
from stations.config import BenchConfig, load
from stations.guardian.lockout import Lockout
from stations.journal import read_records
from stations.sim.folder import Folder, Ports, write_folder
from tests.stations.sim.harness import cell

WHY = "the supply did not obey OFF"


@pytest.fixture
def bench(tmp_path: Path) -> BenchConfig:
    return load(write_folder(tmp_path, Folder(cells=[cell()]), Ports(41001, 41002, 0)))


def unlocked_by(bench: BenchConfig, by: str) -> int:
    return main(["unlock", str(bench.folder / "bench.toml"), "--by", by])


def test_the_bench_journals_who_looked_before_it_is_free(
    bench: BenchConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    Lockout(bench.lockout).lock(WHY)

    assert unlocked_by(bench, " Sam ") == 0

    assert not bench.lockout.exists()
    assert capsys.readouterr().out == f"unlocked; it was locked: {WHY}\n"
    records, _ = read_records(bench.journal / "bench.jsonl")
    (event,) = (record.body["event"] for record in records)
    assert (event["kind"], event["data"]) == ("unlocked", {"by": "Sam", "words": WHY})


@pytest.mark.parametrize("by", ["", "  "])
def test_nobody_is_no_name(bench: BenchConfig, by: str) -> None:
    Lockout(bench.lockout).lock(WHY)

    assert unlocked_by(bench, by) == 2
    assert Lockout(bench.lockout).words == WHY


def test_a_bench_that_was_not_locked_says_so(
    bench: BenchConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unlocked_by(bench, "Sam") == 0
    assert capsys.readouterr().out == "it was not locked\n"


def test_a_bench_that_cannot_write_who_looked_stays_locked(bench: BenchConfig) -> None:
    Lockout(bench.lockout).lock(WHY)
    bench.journal.write_text("in the way")

    assert unlocked_by(bench, "Sam") == 2
    assert Lockout(bench.lockout).words == WHY
