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
FIXED = (*TIMES, "state", *MEASURED, "speed_millionths")
STATE, SPEED = FIXED.index("state"), FIXED.index("speed_millionths")
VALUE_MAX = 1e9  # what is greater, in any unit of ours, was not measured
_pack = Struct("q7d").pack


@dataclass(frozen=True, slots=True)
class Columns:
    """A row of `numbers` and its gaps for each name; the column "state" counts in `states`."""

    seqs: Ints
    names: tuple[str, ...]
    numbers: Ints
    gaps: list[Gaps]
    states: tuple[State, ...]


def columns_of(readings: Sequence[Reading], speeds: Sequence[float] | None) -> Columns:
    """The columns of `readings`, in their order in the payload.

    Raises ValueError for readings with different numbers of cells or probes, or a value that is
    not one.
    """
    packed = _packed(readings)
    cells = _side_by_side([r.cell_voltages_v for r in readings], "cells")
    probes = _side_by_side([r.temperatures_c for r in readings], "probes")
    codes, states = _states(readings)
    rows = np.zeros((len(FIXED) + len(cells) + len(probes), len(readings)))
    rows[:STATE] = packed[1 : 1 + STATE]
    rows[STATE + 1 : SPEED] = packed[1 + STATE :]
    rows[SPEED] = np.fromiter(speeds, np.float64, len(readings)) if speeds else 1.0
    rows[SPEED + 1 : len(FIXED) + len(cells)] = cells
    rows[len(FIXED) + len(cells) :] = probes
    gaps = _fill(rows)
    if np.abs(rows[STATE:]).max() >= VALUE_MAX:
        raise ValueError(f"a value of {VALUE_MAX:g} or more is not a reading")
    numbers = np.rint(rows * MILLIONTHS).astype(np.int64)
    numbers[0] += (readings[0].at - EPOCH) // timedelta(microseconds=1)
    numbers[STATE] = codes
    return Columns(
        seqs=packed[0].view(np.int64),
        names=(
            *FIXED,
            *(f"cell_{position}_uv" for position in range(1, len(cells) + 1)),
            *(f"probe_{n}_uc" for n in range(1, len(probes) + 1)),
        ),
        numbers=numbers,
        gaps=gaps,
        states=states,
    )


def _packed(readings: Sequence[Reading]) -> Floats:
    """Rows of seq, as the integer's bytes, seconds since the first, lag, and what was measured."""
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
    return np.frombuffer(b"".join(rows)).reshape(len(rows), -1).T


def _states(readings: Sequence[Reading]) -> tuple[Ints, tuple[State, ...]]:
    """The code of each reading's state, and the state of each code."""
    outputs = [r.output_on for r in readings]
    regulations = [r.regulation for r in readings]
    flags = [r.flags for r in readings]
    if _is_constant(outputs) and _is_constant(regulations) and _is_constant(flags):
        return np.zeros(len(flags), np.int64), ((outputs[0], regulations[0], flags[0]),)
    found = zip(outputs, regulations, flags, strict=True)
    code: dict[State, int] = {}
    codes = [code.setdefault(state, len(code)) for state in found]
    return np.array(codes), tuple(code)


def _is_constant(values: list[Any]) -> bool:
    return values.count(values[0]) == len(values)


def _side_by_side(values: list[tuple[float, ...]], what: str) -> Floats:
    """One row for each cell that a scanner saw, or each probe."""
    channels, *others = set(map(len, values))
    if others:
        raise ValueError(f"readings of one chunk must see the same number of {what}")
    flat = np.fromiter(chain.from_iterable(values), np.float64, channels * len(values))
    return flat.reshape(len(values), channels).T


def _fill(rows: Floats) -> list[Gaps]:
    """Each row's gaps, which get the value before them, zero before the first."""
    finite = np.isfinite(rows)
    gaps: list[Gaps] = [[] for _ in rows]
    for row in np.flatnonzero(~finite.all(axis=1)).tolist():
        gaps[row] = _gaps(finite[row])
        for start, length in gaps[row]:
            rows[row, start : start + length] = rows[row, start - 1] if start else 0.0
    return gaps


def _gaps(finite: NDArray[np.bool_]) -> Gaps:
    bounded = np.concatenate([[True], finite, [True]])
    edges = np.flatnonzero(bounded[1:] != bounded[:-1]).tolist()
    return [[start, end - start] for start, end in zip(edges[::2], edges[1::2], strict=True)]
