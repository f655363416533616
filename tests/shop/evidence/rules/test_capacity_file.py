"""G2: an imported file is strict, and every problem names its line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.evidence.policy import GatePolicy
from shop.evidence.rules import capacity_file
from shop.evidence.rules.capacity_file import CapacityRow, read_file, row_problems, shortened
from shop.jobs.policies import Policy
from shop.refusals import Problem
from tests.shop.evidence.builders import NOW

LIMITS = GatePolicy.of(Policy()).capacity
HEADER = "serial,capacity_ah,tested_at"
RATED = {"C-1": 200.0, "C-2": 200.0}


def code(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [problem.code for problem in read_file(data)[1]]


def test_reads_numbers_dates_and_optional_columns() -> None:
    rows, found = read_file(
        f"{HEADER},energy_wh,instrument\n"
        "C-1,201.5,2026-02-01,640.2,EBC-A40L\n"
        '"C-2", 199 ,2026-02-01T14:30+01:00,,\n'.encode()
    )

    assert found == []
    assert rows == [
        CapacityRow(
            2,
            "C-1",
            201.5,
            datetime(2026, 2, 1, tzinfo=UTC),
            energy_wh=640.2,
            instrument="EBC-A40L",
        ),
        CapacityRow(3, "C-2", 199.0, datetime(2026, 2, 1, 13, 30, tzinfo=UTC)),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_accepts_a_byte_order_mark_blank_lines_and_either_ending(ending: str) -> None:
    text = ending.join([f"\ufeff{HEADER}", "", "C-1,200,2026-02-01", ""])

    rows, found = read_file(text.encode())

    assert found == []
    assert [row.line for row in rows] == [3]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "file_empty"),
        (b" \n\n", "file_empty"),
        (f"{HEADER}\n".encode(), "file_empty"),
        (b"x" * (capacity_file.BYTES_MAX + 1), "file_too_big"),
        (f"{HEADER}\nC-1,200,2026-02-01".encode("utf-16"), "file_encoding"),
        (f"{HEADER}\nC-\xe9,200,2026-02-01".encode("latin-1"), "row_encoding"),
        (f"{HEADER}\nC-1,2\x0000,2026-02-01".encode(), "row_nul"),
        (f"{HEADER}\nC-1,{'1' * 1001},2026-02-01".encode(), "row_too_long"),
        (f"{HEADER}\n".encode() + b"C-1,200,2026-02-01\n" * 10_001, "file_too_long"),
        (f'{HEADER}\n"C-1,200,2026-02-01'.encode(), "row_form"),
        (f'{HEADER}\n"C-1\n",200,2026-02-01'.encode(), "row_form"),
        (",".join(["c"] * 400_000).encode(), "row_too_long"),
    ],
)
def test_refuses_a_file_that_is_not_plain_utf8_csv(data: bytes, expected: str) -> None:
    assert set(code(data)) == {expected}


def test_a_broken_line_hides_no_other_one() -> None:
    lines = [
        HEADER.encode(),
        b"C-1,200,2026-02-01",
        b"C-2,2\x0000,2026-02-01",
        b"C-\xe9,200,2026-02-01",
        b'"C-4,200,2026-02-01',
        b"C-5," + b"1" * 1001 + b",2026-02-01",
        b"C-6,200",
        b"C-7,NaN,2026-02-01",
        b"C-8,201,2026-02-01",
    ]

    rows, found = read_file(b"\n".join(lines))

    assert [(row.line, row.serial) for row in rows] == [(2, "C-1"), (9, "C-8")]
    assert [(problem.words[:6], problem.code) for problem in found] == [
        ("Line 3", "row_nul"),
        ("Line 4", "row_encoding"),
        ("Line 5", "row_form"),
        ("Line 6", "row_too_long"),
        ("Line 7", "row_columns"),
        ("Line 8", "row_number"),
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("serial;capacity_ah;tested_at", ["file_separator"]),
        ("serial,capacity_ah", ["header_missing"]),
        ("serial,serial,capacity_ah,tested_at", ["header_twice"]),
        ("serial,capacity_ah,tested_at,colour", ["header_unknown"]),
        ("Serial,capacity_ah,tested_at", ["header_unknown", "header_missing"]),
        (",".join([HEADER, *(f"c{n}" for n in range(100))]), ["header_unknown"] * 100),
    ],
)
def test_refuses_a_header_that_is_not_exact(header: str, expected: list[str]) -> None:
    assert code(f"{header}\nC-1,200,2026-02-01\n") == expected


@pytest.mark.parametrize(
    ("row", "expected", "words"),
    [
        ("C-1,NaN,2026-02-01", "row_number", "is not a plain number"),
        ("C-1,inf,2026-02-01", "row_number", "is not a plain number"),
        ("C-1,2e2,2026-02-01", "row_number", "is not a plain number"),
        ("C-1,,2026-02-01", "row_number", "is not a plain number"),
        ("C-1,=1+1,2026-02-01", "row_number", "is not a plain number"),
        ("C-1,٢٠٠,2026-02-01", "row_number", "is not a plain number"),
        ('C-1,"1,999.5",2026-02-01', "row_number", "has a comma"),
        ('C-1,"199,5",2026-02-01', "row_number", "has a comma"),
        ("C-1,199,5,2026-02-01", "row_columns", "4 columns"),
        ("C-1,200", "row_columns", "2 columns"),
        ("C-1,200,01.02.2026", "row_time", "is not a date"),
        ("C-1,200,0001-01-01T00:00+14:00", "row_time", "is not a date"),
        (",200,2026-02-01", "row_serial", "no usable serial"),
        (f"{'C' * 61},200,2026-02-01", "row_serial", "no usable serial"),
    ],
)
def test_refuses_a_row_in_words_with_its_line(row: str, expected: str, words: str) -> None:
    _, found = read_file(f"{HEADER}\nC-2,200,2026-02-01\n{row}\n".encode())

    assert [problem.code for problem in found] == [expected]
    assert found[0].words.startswith("Line 3")
    assert words in found[0].words
    assert found[0].fix


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("temperature_c", "120", "row_range"),
        ("energy_wh", "-1", "row_range"),
        ("discharge_c_rate", "0", "row_range"),
        ("discharge_c_rate", "fast", "row_number"),
        ("instrument", "=cmd()", "row_text"),
        ("instrument", "x" * 101, "row_text"),
    ],
)
def test_refuses_an_optional_value_that_cannot_be(column: str, value: str, expected: str) -> None:
    assert code(f"{HEADER},{column}\nC-1,200,2026-02-01,{value}\n") == [expected]


def row(serial: str = "C-1", capacity_ah: float = 200.0, days: float = 1.0) -> CapacityRow:
    return CapacityRow(2, serial, capacity_ah, NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(), row("C-2")], []),
        ([row("C-9")], ["unknown_cell"]),
        ([row(), row()], ["cell_twice"]),
        ([row(capacity_ah=99.9)], ["impossible_capacity"]),
        ([row(capacity_ah=240.1)], ["impossible_capacity"]),
        ([row(capacity_ah=100.0), row("C-2", 240.0)], []),
        ([row(days=-0.01)], ["future_test"]),
        ([row(days=1096)], ["old_test"]),
    ],
)
def test_refuses_rows_that_fit_no_cell(rows: list[CapacityRow], expected: list[str]) -> None:
    found = row_problems(rows, RATED, LIMITS, NOW)

    assert [problem.code for problem in found] == expected
    assert all(problem.words.startswith("Line 2") and problem.fix for problem in found)


def test_lists_what_is_wrong_by_line() -> None:
    by_line = [Problem("x", f"Line {n} is wrong.") for n in (1, 2, 10)]

    assert shortened([by_line[2], by_line[0], by_line[1]]) == by_line


def test_shortens_a_long_list() -> None:
    wrong = Problem("x", "Wrong.")

    found = shortened([wrong] * 60)

    assert shortened([wrong] * 50) == [wrong] * 50
    assert len(found) == 51
    assert found[-1].words == "There are 10 more problems."


@given(st.binary(max_size=400))
def test_never_fails_on_any_bytes(data: bytes) -> None:
    rows, found = read_file(data)

    assert rows or found


@given(st.text(max_size=200))
def test_never_fails_on_any_rows(text: str) -> None:
    rows, found = read_file(f"{HEADER}\n{text}".encode("utf-8", "replace"))

    assert found or all(row.capacity_ah == row.capacity_ah for row in rows)
