"""Readings as columns of integers, a row of an array each: what a chunk is written from.  Pure.

The readings are walked once, because that walk is most of the cost of storing them; all that
follows is arithmetic on whole columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stations.values import Reading

MILLIONTHS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Gaps = list[list[int]]  # [start, length] of each place where a channel was not read
State = tuple[bool, str, frozenset[str]]  # output on, regulation, flags

TIMES = ("at_us", "wall_less_at_us")
MEASURED = ("age_us", "voltage_uv", "supply_voltage_uv", "supply_current_ua", "temperature_uc")
_pack = Struct(f"q{len(TIMES + MEASURED)}d").pack


@dataclass(frozen=True, slots=True)
class Columns:
    """A row of `numbers` and its gaps for each name; the column "state" counts in `states`."""

    seqs: Ints
    names: tuple[str, ...]
    numbers: Ints
    gaps: tuple[Gaps, ...]
    states: tuple[State, ...]


def columns_of(readings: Sequence[Reading], speeds: Sequence[float] | None) -> Columns:
    """The columns of `readings`, in their order in the payload.

    Raises ValueError for readings with different numbers of cells, or a value that is not one.
    """
    seqs, times, measured = _packed(readings)
    codes, states = _states(readings)
    cells = _cells(readings)
    speed = np.array([speeds]) if speeds else np.ones((1, len(readings)))
    millionths, gaps = _millionths(np.concatenate([measured, speed, cells]))
    times_us = _integers(times)
    times_us[0] += (readings[0].at - EPOCH) // timedelta(microseconds=1)
    seen = (f"cell_{position}_uv" for position in range(1, len(cells) + 1))
    return Columns(
        seqs=seqs,
        names=(*TIMES, "state", *MEASURED, "speed_millionths", *seen),
        numbers=np.concatenate([times_us, codes, millionths]),
        gaps=([], [], [], *gaps),
        states=states,
    )


def _packed(readings: Sequence[Reading]) -> tuple[Ints, Floats, Floats]:
    """The seqs, and a row for each of TIMES (`at` since the first) and MEASURED, in whole units."""
    first = readings[0].at
    rows = [
        _pack(
            r.seq,
            (r.at - first).total_seconds(),
            (r.received_at - r.at).total_seconds(),
            r.age_s,
            r.voltage_v,
            r.supply_voltage_v,
            r.supply_current_a,
            r.temperature_c,
        )
        for r in readings
    ]
    packed = np.frombuffer(b"".join(rows)).reshape(len(rows), -1).T.copy()
    return packed[0].view(np.int64), packed[1 : 1 + len(TIMES)], packed[1 + len(TIMES) :]


def _states(readings: Sequence[Reading]) -> tuple[Ints, tuple[State, ...]]:
    """The code of each reading's state, and the state of each code."""
    outputs = [r.output_on for r in readings]
    regulations = [r.regulation for r in readings]
    flags = [r.flags for r in readings]
    if _is_constant(outputs) and _is_constant(regulations) and _is_constant(flags):
        return np.zeros((1, len(flags)), np.int64), ((outputs[0], regulations[0], flags[0]),)
    found = zip(outputs, regulations, flags, strict=True)
    code: dict[State, int] = {}
    codes = [code.setdefault(state, len(code)) for state in found]
    return np.array([codes], np.int64), tuple(code)


def _is_constant(values: list[Any]) -> bool:
    return values.count(values[0]) == len(values)


def _cells(readings: Sequence[Reading]) -> Floats:
    """One row for each cell that a scanner saw."""
    volts = [r.cell_voltages_v for r in readings]
    cells, *others = set(map(len, volts))
    if others:
        raise ValueError("readings of one chunk must see the same number of cells")
    flat = np.fromiter(chain.from_iterable(volts), np.float64, cells * len(volts))
    return flat.reshape(len(volts), cells).T


def _millionths(rows: Floats) -> tuple[Ints, list[Gaps]]:
    """Integers with gaps filled from the left, zero before the first; and each row's gaps."""
    finite = np.isfinite(rows)
    gaps: list[Gaps] = [[] for _ in rows]
    for broken in np.flatnonzero(~finite.all(axis=1)).tolist():
        rows[broken] = _filled(rows[broken], finite[broken])
        gaps[broken] = _gaps(finite[broken])
    if np.abs(rows).max() >= 1e9:
        raise ValueError("a value beyond a thousand million is not a reading")
    return _integers(rows), gaps


def _filled(row: Floats, finite: NDArray[np.bool_]) -> Floats:
    source = np.maximum.accumulate(np.where(finite, np.arange(len(row)), -1))
    return np.where(source >= 0, row[source], 0.0)


def _gaps(finite: NDArray[np.bool_]) -> Gaps:
    bounded = np.concatenate([[True], finite, [True]])
    edges = np.flatnonzero(bounded[1:] != bounded[:-1]).tolist()
    return [[start, end - start] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _integers(numbers: Floats) -> Ints:
    millionths: Ints = np.rint(numbers * MILLIONTHS).astype(np.int64)
    return millionths
