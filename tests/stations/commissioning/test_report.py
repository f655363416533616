"""The report as a file: it comes back as it was, and no other does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from stations.commissioning.figures import Figures
from stations.commissioning.report import ReportWrong, decode, encode, read, write
from tests.stations.commissioning.made import BY_LOAD, drew, report


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, report())

    again = decode(path.read_bytes())

    assert again == report()
    assert again.passed
    assert again.lead_milliohm == pytest.approx(5.0)
    assert [file.name for file in tmp_path.iterdir()] == ["commissioning.json"]


def test_a_check_that_was_broken_off_is_a_report_that_did_not_pass() -> None:
    again = decode(encode(report(Figures(target_v=3.65, off_a=0.0), ended="the bench gave up")))

    assert not again.passed
    assert (again.ended, again.figures.small) == ("the bench gave up", None)


def test_a_report_of_a_bench_with_a_load_comes_back_and_says_that_it_was_tried() -> None:
    again = decode(encode(report(drew(), by=BY_LOAD)))

    assert again == report(drew(), by=BY_LOAD)
    assert (again.passed, again.tried_load) == (True, True)


def test_a_report_without_a_load_is_written_as_it_was_before_loads_were_tried() -> None:
    plain = json.loads(encode(report()))

    assert not {"drawn", "at_target"} & plain["figures"].keys()
    assert "load" not in plain["judged_by"]
    assert "target_journal" not in plain
    assert not decode(encode(report())).tried_load


def test_a_load_that_was_taken_out_of_a_report_is_one_that_was_not_tried() -> None:
    plain = json.loads(encode(report(drew(panel_a=120.0), by=BY_LOAD)))
    del plain["figures"]["drawn"]

    with pytest.raises(ReportWrong, match="do not follow"):
        decode(rfc8785.dumps(plain))


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    plain = json.loads(encode(report()))
    change(plain)
    return rfc8785.dumps(plain)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a report"),
        (b"{}", "not a report"),
        (b" " * 100_001, "more than"),
        (json.dumps(json.loads(encode(report())), indent=1).encode(), "unchanged"),
        (edited(lambda r: r.update(passed=False)), "do not follow"),
        (edited(lambda r: r["figures"].update(panel_a=18.0)), "do not follow"),
        (edited(lambda r: r["figures"].update(large=None)), "do not follow"),
        (edited(lambda r: r["findings"].pop()), "do not follow"),
        (edited(lambda r: r.update(extra=1)), "unknown key 'extra'"),
        (edited(lambda r: r.pop("instruments")), "instruments"),
        (edited(lambda r: r.update(at="yesterday")), "yesterday"),
        (edited(lambda r: r.update(at="2026-03-01T09:30:00")), "time zone"),
        (edited(lambda r: r["figures"].update(off_a="none")), "none"),
        (edited(lambda r: r["figures"]["small"].update(cells_v=7)), "check the bench again"),
        (encode(report()).replace(b'"off_a":0', b'"off_a":1' + b"0" * 400), "too large"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(ReportWrong, match=words):
        decode(data)


def test_a_report_of_before_a_field_was_added_can_still_be_read() -> None:
    before = edited(lambda r: r.pop("ended"))

    assert read(before) == report()
    with pytest.raises(ReportWrong, match="unchanged"):
        decode(before)
