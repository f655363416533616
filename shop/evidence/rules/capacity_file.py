"""An imported capacity file: strict CSV, every problem by its line, nothing guessed (G2).

    serial,capacity_ah,tested_at[,energy_wh][,temperature_c][,discharge_c_rate][,instrument]

UTF-8 (a byte order mark is accepted), comma, decimal point, dates as ISO 8601; a time without a
zone is UTC.  A row is a line, so that a broken one hides none after it; `line` counts from 1, the
header included.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shop.evidence.policy import CapacityLimits
from shop.refusals import Problem
from stations.values import Window

REQUIRED = ("serial", "capacity_ah", "tested_at")
OPTIONAL: Mapping[str, Window] = {
    "energy_wh": Window(0.1, 100_000.0),
    "temperature_c": Window(-40.0, 80.0),
    "discharge_c_rate": Window(0.01, 10.0),
}
TEXT = "instrument"
KNOWN = (*REQUIRED, *OPTIONAL, TEXT)

BYTES_MAX = 1_000_000
ROWS_MAX = 10_000
LINE_MAX = 1_000
SERIAL_MAX = 60
TEXT_MAX = 100
PROBLEMS_MAX = 50

BOM = codecs.BOM_UTF8
SAVE_AS_UTF8 = "Save it as CSV UTF-8 and try again."

_NUMBER = re.compile(r"-?[0-9]{1,7}(\.[0-9]{1,9})?")
_COMMA_NUMBER = re.compile(r"-?[0-9.,' ]*,[0-9. ]+")
_LINE = re.compile(r"Line (\d+)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """One line of the file as numbers; None where an optional column says nothing."""

    line: int
    serial: str
    capacity_ah: float
    tested_at: datetime
    energy_wh: float | None = None
    temperature_c: float | None = None
    discharge_c_rate: float | None = None
    instrument: str = ""


def read_file(data: bytes) -> tuple[list[CapacityRow], list[Problem]]:
    """The rows that can be read, and every line that cannot; no rows where the file as a whole
    is none of ours."""
    found = _whole_problems(data)
    if found:
        return [], found
    lines = data.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    header, found = _fields(1, lines[0])
    found = found or list(_header_problems(header))
    return ([], found) if found else _rows(header, lines[1:])


def _whole_problems(data: bytes) -> list[Problem]:
    if not data.strip():
        return [_problem("file_empty", "The file is empty.")]
    if len(data) > BYTES_MAX:
        words = f"The file has {len(data):,} bytes, above {BYTES_MAX:,}."
        return [_problem("file_too_big", words, "Split it and import the parts.")]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [_problem("file_encoding", "The file is UTF-16, not UTF-8.", SAVE_AS_UTF8)]
    return []


def _rows(header: Sequence[str], lines: Sequence[bytes]) -> tuple[list[CapacityRow], list[Problem]]:
    """`lines` are those after the header, the first of them line 2."""
    rows: list[CapacityRow] = []
    found: list[Problem] = []
    numbered = [(line, raw) for line, raw in enumerate(lines, start=2) if raw]
    if len(numbered) > ROWS_MAX:
        words = f"The file has more than {ROWS_MAX:,} rows."
        return [], [_problem("file_too_long", words, "Split it and import the parts.")]
    for line, raw in numbered:
        fields, wrong = _fields(line, raw)
        row = None
        if not wrong and len(fields) != len(header):
            wrong = [_columns(line, len(fields), len(header))]
        elif not wrong:
            row, wrong = _row(line, dict(zip(header, fields, strict=True)))
        found.extend(wrong)
        if row is not None:
            rows.append(row)
    if not numbered:
        found.append(_problem("file_empty", "The file has a header and no rows."))
    return rows, found


def _fields(line: int, raw: bytes) -> tuple[list[str], list[Problem]]:
    """The fields of one line without the blanks around them, or why it has none."""
    if b"\x00" in raw:
        return [], [_problem("row_nul", f"Line {line} holds a NUL byte.")]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return [], [_problem("row_encoding", f"Line {line} is not UTF-8.", SAVE_AS_UTF8)]
    if len(text) > LINE_MAX:
        words = f"Line {line} is longer than {LINE_MAX} characters."
        return [], [_problem("row_too_long", words)]
    try:
        fields = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        return [], [_problem("row_form", f"Line {line} is not plain CSV: {error}.")]
    return [field.strip() for field in fields], []


def _columns(line: int, got: int, wanted: int) -> Problem:
    return _problem(
        "row_columns",
        f"Line {line} has {got} columns, the header has {wanted}.",
        "Use a decimal point, not a comma, and no commas within a field.",
    )


def _header_problems(header: Sequence[str]) -> Iterator[Problem]:
    fix = f"The header is {','.join(REQUIRED)}, optionally with {', '.join((*OPTIONAL, TEXT))}."
    if len(header) == 1 and ";" in header[0]:
        yield _problem("file_separator", "The columns are separated by semicolons.", fix)
        return
    for name, times in Counter(header).items():
        if times > 1:
            yield _problem("header_twice", f"Column {name!r} stands in the header twice.", fix)
        elif name not in KNOWN:
            yield _problem("header_unknown", f"Column {name[:40]!r} is not known.", fix)
    for name in REQUIRED:
        if name not in header:
            yield _problem("header_missing", f"Column {name!r} is missing.", fix)


def _row(line: int, fields: Mapping[str, str]) -> tuple[CapacityRow | None, list[Problem]]:
    found: list[Problem] = []
    numbers = {
        name: _number(line, name, fields[name], found)
        for name in ("capacity_ah", *OPTIONAL)
        if name in fields and (name in REQUIRED or fields[name])
    }
    tested_at = _time(line, fields["tested_at"], found)
    serial, text = fields["serial"], fields.get(TEXT, "")
    if not serial or len(serial) > SERIAL_MAX:
        found.append(_problem("row_serial", f"Line {line} has no usable serial.", "Add it."))
    if len(text) > TEXT_MAX or text.startswith(_FORMULA):
        found.append(
            _problem("row_text", f"Line {line}: {TEXT} is too long or looks like a formula.")
        )
    for name, bounds in OPTIONAL.items():
        value = numbers.get(name)
        if value is not None and not bounds.contains(value):
            found.append(
                _problem(
                    "row_range",
                    f"Line {line}: {name} {value:g} is outside {bounds.low:g} … {bounds.high:g}.",
                )
            )
    capacity_ah = numbers["capacity_ah"]
    if found or capacity_ah is None or tested_at is None:
        return None, found
    return (
        CapacityRow(
            line=line,
            serial=serial,
            capacity_ah=capacity_ah,
            tested_at=tested_at,
            energy_wh=numbers.get("energy_wh"),
            temperature_c=numbers.get("temperature_c"),
            discharge_c_rate=numbers.get("discharge_c_rate"),
            instrument=text,
        ),
        [],
    )


def _number(line: int, name: str, text: str, found: list[Problem]) -> float | None:
    """A plain decimal; NaN, infinities, exponents and separators are problems."""
    if _NUMBER.fullmatch(text):
        return float(text)
    if _COMMA_NUMBER.fullmatch(text):
        why, fix = "has a comma", "Use a decimal point and no thousands separator."
    else:
        why, fix = "is not a plain number", "Write it like 199.5."
    found.append(_problem("row_number", f"Line {line}: {name} {text[:30]!r} {why}.", fix))
    return None


def _time(line: int, text: str, found: list[Problem]) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(text)
        # An hour next to year 1 or 9999 has no UTC.
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        found.append(
            _problem(
                "row_time",
                f"Line {line}: tested_at {text[:30]!r} is not a date.",
                "Write it like 2026-03-31 or 2026-03-31T14:30+01:00.",
            )
        )
        return None


def row_problems(
    rows: Sequence[CapacityRow],
    rated_ah: Mapping[str, float],
    limits: CapacityLimits,
    now: datetime,
) -> list[Problem]:
    """What is wrong with well-formed rows; `rated_ah` is by serial, for the cells we know."""
    found: list[Problem] = []
    first: dict[str, int] = {}
    for row in rows:
        start = f"Line {row.line}: cell {row.serial}"
        if row.serial not in rated_ah:
            found.append(
                _problem("unknown_cell", f"{start} is not known here.", "Check the serial.")
            )
            continue
        if row.serial in first:
            found.append(
                _problem(
                    "cell_twice",
                    f"{start} stands already on line {first[row.serial]}.",
                    "Keep the test that counts.",
                )
            )
        first.setdefault(row.serial, row.line)
        found.extend(_plausible(start, row, rated_ah[row.serial], limits, now))
    return found


def _plausible(
    start: str, row: CapacityRow, rated_ah: float, limits: CapacityLimits, now: datetime
) -> Iterator[Problem]:
    low_ah, high_ah = limits.low_share * rated_ah, limits.high_share * rated_ah
    if not low_ah <= row.capacity_ah <= high_ah:
        yield _problem(
            "impossible_capacity",
            f"{start} with {row.capacity_ah:g} Ah is impossible: a {rated_ah:g} Ah cell has "
            f"{low_ah:g} … {high_ah:g} Ah.",
            "Check the number and its unit.",
        )
    if row.tested_at > now:
        yield _problem(
            "future_test", f"{start} was tested on {row.tested_at:%Y-%m-%d}, in the future."
        )
    elif row.tested_at < now - limits.age_max:
        yield _problem(
            "old_test",
            f"{start} was tested on {row.tested_at:%Y-%m-%d}, more than "
            f"{limits.age_max.days} days ago.",
            "Test the cell again.",
        )


def shortened(found: Sequence[Problem]) -> list[Problem]:
    """By line, the first problems of many with the number of the others."""
    found = sorted(found, key=_line_of)
    if len(found) <= PROBLEMS_MAX:
        return found
    more = f"There are {len(found) - PROBLEMS_MAX} more problems."
    return [*found[:PROBLEMS_MAX], _problem("more", more, "Correct these first.")]


def _line_of(problem: Problem) -> int:
    named = _LINE.match(problem.words)
    return int(named[1]) if named else 0


def _problem(code: str, words: str, fix: str = "Correct the file and import it again.") -> Problem:
    return Problem(code, words, fix)
