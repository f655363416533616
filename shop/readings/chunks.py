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
at), age_us, voltage_uv, supply_voltage_uv, supply_current_ua, temperature_uc (the hottest probe),
speed_millionths, state, cell_<position>_uv for each cell that a scanner saw, and probe_<n>_uc for
each probe of a thermometer, n = 1 on cell 1.  Chunks from before there were thermometers have no
probes and are otherwise the same, so the version stays.  Values are rounded to the millionth once,
here, so that hashes are over integers.

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
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from shop.readings.columns import EPOCH, MEASURED, MILLIONTHS, Columns, Floats, Ints, columns_of
from stations.values import Reading

GENESIS = "0" * 64
VERSION = 1
WIDTHS = (0, 1, 2, 4, 8)
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

    @property
    def probes(self) -> int:
        return sum(name.startswith("probe_") for name in self.values)


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
    hole, an empty chunk, readings with different numbers of cells or probes, or a value that is
    not one.
    """
    first = (prev_last_seq or 0) + 1
    last = first + len(readings) - 1
    if not readings:
        raise ValueError("a chunk holds at least one reading")
    columns = columns_of(readings, speeds)
    if not np.array_equal(columns.seqs, np.arange(first, last + 1)):
        raise ValueError(f"a chunk here must begin with seq {first} and have no hole")
    body = _body(columns)
    return Chunk(
        first_seq=first,
        last_seq=last,
        prev_last_seq=prev_last_seq,
        columns=columns.names,
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

    A chunk also ends where the number of cells or probes that are seen changes.
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
    for _, same in groupby([(len(r.cell_voltages_v), len(r.temperatures_c)) for r in readings]):
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
    floats = {name: table.floats(name).tolist() for name in MEASURED}
    cells = [table.floats(f"cell_{n}_uv").tolist() for n in range(1, table.cells + 1)]
    probes = [table.floats(f"probe_{n}_uc").tolist() for n in range(1, table.probes + 1)]
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
            temperatures_c=tuple(probe[i] for probe in probes),
        )
        for i in range(table.count)
    ]


def _body(columns: Columns) -> bytes:
    coded = _deltas(columns.numbers)
    firsts = columns.numbers[:, 0].tolist()
    header = {
        "v": VERSION,
        "count": columns.numbers.shape[1],
        "columns": [
            [name, first, width, gaps]
            for name, first, (width, _), gaps in zip(
                columns.names, firsts, coded, columns.gaps, strict=True
            )
        ],
        "states": [[on, regulation, sorted(flags)] for on, regulation, flags in columns.states],
    }
    head = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return b"\n".join([head, b"".join(data for _, data in coded)])


def _deltas(columns: Ints) -> list[tuple[int, bytes]]:
    """Of each column, bytes per zigzag difference, and the differences as byte planes."""
    steps = columns[:, 1:] - columns[:, :-1]
    zigzag = np.ascontiguousarray((steps << 1) ^ (steps >> 63), dtype="<i8").view("<u8")
    highest = zigzag.max(axis=1, initial=0).tolist()
    widths = [next(w for w in WIDTHS if top < 1 << (8 * w)) for top in highest]
    planes = zigzag.view(np.uint8).reshape(*steps.shape, 8)
    return [
        (width, plane[:, :width].tobytes("F")) for width, plane in zip(widths, planes, strict=True)
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
