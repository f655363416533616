"""Chunk format 1: readings as delta-coded integer columns, compressed, chained by hash.  Pure.

The payload is zlib data.  Uncompressed it is the *body*: one line of JSON, the header, ended by
a newline, then the columns' bytes, one column after the other.  Header keys:

    "v"        1
    "count"    number of readings n; their seq run from the chunk's first_seq without a hole
    "columns"  [name, first, width, missing] for each column, in the order of the bytes
    "states"   [output on, regulation, flags] for each code in the column "state"

A column holds n integers x[0..n-1].  `first` is x[0]; what follows are the n-1 differences
x[i] - x[i-1] as zigzag numbers (0, -1, 1, -2 ... become 0, 1, 2, 3 ...) of `width` bytes each
(0, 1, 2, 4 or 8; 0 means that all are zero): first the lowest bytes of all of them, then the
next lowest, and so on.  `missing` lists [start, length] of positions where the channel was not
read (NaN); there x repeats the value before.

Columns: at_us (process time, microseconds since 1970 UTC), wall_less_at_us (received_at minus
at), age_us, voltage_uv, supply_voltage_uv, supply_current_ua, temperature_uc, speed_millionths,
state, and cell_<position>_uv for each cell that a scanner saw.  Values are rounded to the
millionth once, here, so that hashes are over integers.

The hash of a chunk is SHA-256 over the previous chunk's hash (64 hex characters; zeros for the
first), "\\n<run>-<attempt> <first_seq>-<last_seq>\\n" and the body.  It does not cover the
compressed bytes, which may differ between zlib versions.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stations.values import Reading

GENESIS = "0" * 64
VERSION = 1
MILLIONTHS = 1_000_000
WIDTHS = (0, 1, 2, 4, 8)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FLOAT_COLUMNS = ("age_us", "voltage_uv", "supply_voltage_uv", "supply_current_ua", "temperature_uc")
_floats_of = attrgetter(
    "age_s", "voltage_v", "supply_voltage_v", "supply_current_a", "temperature_c"
)
_state_of = attrgetter("output_on", "regulation", "flags")
COMPRESSION = 1  # a chunk is 2 % smaller at 6, and takes twice as long


class ChunkBroken(ValueError):
    """The payload is not what this format writes, or not what the hash says."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One encoded chunk, ready to be stored."""

    first_seq: int
    last_seq: int
    prev_last_seq: int | None
    columns: tuple[str, ...]
    payload: bytes
    prev_hash: str
    hash: str
    first_at: datetime
    last_at: datetime

    @property
    def count(self) -> int:
        return self.last_seq - self.first_seq + 1


@dataclass(frozen=True, slots=True)
class Table:
    """A decoded chunk: integers by column, and which of them were missing."""

    count: int
    values: dict[str, Ints]
    missing: dict[str, tuple[tuple[int, int], ...]]
    states: tuple[tuple[bool, str, tuple[str, ...]], ...]

    def floats(self, name: str) -> Floats:
        """The column in its whole unit (volts, amps, seconds), NaN where it was not read."""
        result = self.values[name] / MILLIONTHS
        for start, length in self.missing[name]:
            result[start : start + length] = np.nan
        return result

    @property
    def cells(self) -> int:
        return sum(name.startswith("cell_") for name in self.values)


def encode(
    readings: Sequence[Reading],
    *,
    run_id: int,
    attempt: int,
    speeds: Sequence[float] | None = None,
    prev_last_seq: int | None = None,
    prev_hash: str = GENESIS,
) -> Chunk:
    """The chunk of `readings`, in order and without a hole, that follows the one named.

    `speeds` are process seconds per wall second, one per reading.  Raises ValueError for a
    hole, an empty chunk, readings with different numbers of cells, or a value that is not one.
    """
    first = (prev_last_seq or 0) + 1
    if not readings or [r.seq for r in readings] != [*range(first, first + len(readings))]:
        raise ValueError(f"a chunk here must begin with seq {first} and have no hole")
    body, names = _body(readings, speeds)
    last = first + len(readings) - 1
    return Chunk(
        first_seq=first,
        last_seq=last,
        prev_last_seq=prev_last_seq,
        columns=names,
        payload=zlib.compress(body, COMPRESSION),
        prev_hash=prev_hash,
        hash=_hash(prev_hash, run_id, attempt, first, last, body),
        first_at=readings[0].at,
        last_at=readings[-1].at,
    )


def encode_all(
    readings: Sequence[Reading],
    *,
    run_id: int,
    attempt: int,
    samples_max: int,
    speeds: Sequence[float] | None = None,
    prev_last_seq: int | None = None,
    prev_hash: str = GENESIS,
) -> Iterator[Chunk]:
    """Chunks of at most `samples_max` readings, each following the last, made as asked for.

    A chunk also ends where the number of cells that are seen changes.
    """
    for start, end in _spans(readings, samples_max):
        chunk = encode(
            readings[start:end],
            run_id=run_id,
            attempt=attempt,
            speeds=speeds and speeds[start:end],
            prev_last_seq=prev_last_seq,
            prev_hash=prev_hash,
        )
        prev_last_seq, prev_hash = chunk.last_seq, chunk.hash
        yield chunk


def _spans(readings: Sequence[Reading], samples_max: int) -> Iterator[tuple[int, int]]:
    begin = 0
    for _, same in groupby([len(reading.cell_voltages_v) for reading in readings]):
        end = begin + len([*same])
        yield from (
            (start, min(start + samples_max, end)) for start in range(begin, end, samples_max)
        )
        begin = end


def verify(
    payload: bytes, *, run_id: int, attempt: int, first_seq: int, last_seq: int, prev_hash: str
) -> str:
    """The hash that a chunk with this payload must have; raises ChunkBroken for no payload."""
    return _hash(prev_hash, run_id, attempt, first_seq, last_seq, _decompress(payload))


def decode(payload: bytes) -> Table:
    """The columns of a payload; raises ChunkBroken when it is not one of format 1."""
    head, _, data = _decompress(payload).partition(b"\n")
    try:
        header = json.loads(head)
        if header["v"] != VERSION:
            raise ChunkBroken(f"format {header['v']} is not known here")
        return _table(header, data)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ChunkBroken(f"not a chunk of format {VERSION}: {error}") from error


def readings_of(payload: bytes, *, first_seq: int = 1) -> list[Reading]:
    """The readings that were encoded, each value rounded to its millionth."""
    table = decode(payload)
    at, lag = table.values["at_us"], table.values["wall_less_at_us"]
    floats = {name: table.floats(name).tolist() for name in FLOAT_COLUMNS}
    cells = [table.floats(f"cell_{n}_uv").tolist() for n in range(1, table.cells + 1)]
    states = [table.states[code] for code in table.values["state"]]
    return [
        Reading(
            seq=first_seq + i,
            at=EPOCH + timedelta(microseconds=int(at[i])),
            received_at=EPOCH + timedelta(microseconds=int(at[i] + lag[i])),
            age_s=floats["age_us"][i],
            output_on=states[i][0],
            voltage_v=floats["voltage_uv"][i],
            supply_voltage_v=floats["supply_voltage_uv"][i],
            supply_current_a=floats["supply_current_ua"][i],
            cell_voltages_v=tuple(cell[i] for cell in cells),
            temperature_c=floats["temperature_uc"][i],
            regulation=states[i][1],
            flags=frozenset(states[i][2]),
        )
        for i in range(table.count)
    ]


def _body(
    readings: Sequence[Reading], speeds: Sequence[float] | None
) -> tuple[bytes, tuple[str, ...]]:
    at, lag = _times(readings)
    codes, states = _states(readings)
    floats, gaps = _millionths(_floats(readings, speeds))
    cells = len(readings[0].cell_voltages_v)
    names = (
        "at_us",
        "wall_less_at_us",
        "state",
        *FLOAT_COLUMNS,
        "speed_millionths",
        *(f"cell_{position}_uv" for position in range(1, cells + 1)),
    )
    columns = np.vstack([at, lag, codes, floats])
    coded = _deltas(columns)
    header = {
        "v": VERSION,
        "count": len(readings),
        "columns": [
            [name, int(first), width, missing]
            for name, first, (width, _), missing in zip(
                names, columns[:, 0], coded, [[], [], [], *gaps], strict=True
            )
        ],
        "states": [[on, regulation, sorted(flags)] for on, regulation, flags in states],
    }
    head = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return b"\n".join([head, b"".join(data for _, data in coded)]), names


def _times(readings: Sequence[Reading]) -> tuple[Ints, Ints]:
    """Microseconds of `at` since 1970, and of received_at minus at."""
    first, count = readings[0].at, len(readings)
    since = np.fromiter(((r.at - first).total_seconds() for r in readings), np.float64, count)
    lag = np.fromiter(((r.received_at - r.at).total_seconds() for r in readings), np.float64, count)
    return _integers(since) + (first - EPOCH) // timedelta(microseconds=1), _integers(lag)


def _states(readings: Sequence[Reading]) -> tuple[Ints, list[tuple[bool, str, frozenset[str]]]]:
    """The code of each reading's state, and the state of each code."""
    found = list(map(_state_of, readings))
    code = {state: number for number, state in enumerate(dict.fromkeys(found))}
    if len(code) == 1:
        return np.zeros(len(found), dtype=np.int64), list(code)
    return np.fromiter(map(code.__getitem__, found), np.int64, len(found)), list(code)


def _floats(readings: Sequence[Reading], speeds: Sequence[float] | None) -> Floats:
    """One row for each of FLOAT_COLUMNS, the speed, and each cell."""
    count, width = len(readings), len(FLOAT_COLUMNS)
    values = chain.from_iterable(map(_floats_of, readings))
    rows = [np.fromiter(values, np.float64, count * width).reshape(count, width).T]
    rows.append(np.array([speeds or [1.0] * count]))
    if any(map(len, map(attrgetter("cell_voltages_v"), readings))):
        rows.append(np.array([r.cell_voltages_v for r in readings], dtype=np.float64).T)
    return np.vstack(rows)


def _millionths(rows: Floats) -> tuple[Ints, list[list[list[int]]]]:
    """Integers with gaps filled from the left, and [start, length] of each gap, row by row."""
    finite = np.isfinite(rows)
    if not finite.all():
        places = np.where(finite, np.arange(rows.shape[1]), -1)
        source = np.maximum.accumulate(places, axis=1)
        filled = np.take_along_axis(rows, np.maximum(source, 0), axis=1)
        rows = np.where(source >= 0, filled, 0.0)
    if not (np.abs(rows) < 1e9).all():
        raise ValueError("a value beyond a thousand million is not a reading")
    return _integers(rows), [[] if row.all() else _gaps(row) for row in finite]


def _gaps(finite: NDArray[np.bool_]) -> list[list[int]]:
    edges = np.flatnonzero(np.diff(finite, prepend=True, append=True)).tolist()
    return [[start, end - start] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _integers(numbers: Floats) -> Ints:
    millionths: Ints = np.rint(numbers * MILLIONTHS).astype(np.int64)
    return millionths


def _deltas(columns: Ints) -> list[tuple[int, bytes]]:
    """Of each column, bytes per zigzag difference, and the differences as byte planes."""
    steps = np.diff(columns, axis=1)
    zigzag = np.ascontiguousarray((steps << 1) ^ (steps >> 63), dtype="<i8").view("<u8")
    highest = zigzag.max(axis=1, initial=0).tolist()
    widths = [next(w for w in WIDTHS if top < 1 << (8 * w)) for top in highest]
    planes = zigzag.view(np.uint8).reshape(*steps.shape, 8)
    return [
        (width, np.ascontiguousarray(plane[:, :width].T).tobytes())
        for width, plane in zip(widths, planes, strict=True)
    ]


def _table(header: Any, data: bytes) -> Table:
    count = int(header["count"])
    values, missing, offset = {}, {}, 0
    for name, first, width, gaps in header["columns"]:
        if width not in WIDTHS:
            raise ChunkBroken(f"column {name} has width {width}")
        end = offset + width * (count - 1)
        values[name] = _undelta(first, width, count, data[offset:end])
        missing[name] = tuple((int(start), int(length)) for start, length in gaps)
        offset = end
    if offset != len(data):
        raise ChunkBroken(f"{len(data)} bytes of columns where the header names {offset}")
    states = tuple((bool(on), str(reg), tuple(flags)) for on, reg, flags in header["states"])
    return Table(count=count, values=values, missing=missing, states=states)


def _undelta(first: int, width: int, count: int, data: bytes) -> Ints:
    planes = np.zeros((count - 1, 8), dtype=np.uint8)
    if width:
        planes[:, :width] = np.frombuffer(data, dtype=np.uint8).reshape(width, count - 1).T
    zigzag = planes.view("<u8").reshape(count - 1)
    steps = (zigzag >> np.uint64(1)).astype(np.int64) ^ -(zigzag & np.uint64(1)).astype(np.int64)
    return first + np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(steps)])


def _hash(
    prev_hash: str, run_id: int, attempt: int, first_seq: int, last_seq: int, body: bytes
) -> str:
    place = f"\n{run_id}-{attempt} {first_seq}-{last_seq}\n"
    return hashlib.sha256(prev_hash.encode() + place.encode() + body).hexdigest()


def _decompress(payload: bytes) -> bytes:
    try:
        return zlib.decompress(payload)
    except zlib.error as error:
        raise ChunkBroken(f"the payload does not decompress: {error}") from error
