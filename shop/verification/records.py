"""Balances, capacities and checks worked out again from the signed manifest of their run.  Pure.

A manifest holds the records of a program in millionths; a row holds the same as floats.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shop.care.rules import spread_of
from shop.evidence.rules.balance import BalanceFigures, balance_of, cells_of
from shop.evidence.rules.measured import (
    CapacityFigures,
    ResistanceFigures,
    capacity_of,
    resistance_of,
)
from stations.procedures.state import Record

MILLIONTHS = 1_000_000
CLOSE = 2e-5  # sums of rounded millionths


@dataclass(frozen=True, slots=True)
class CellReading:
    """One cell of a check, from a row or a manifest; microvolts, None for no number."""

    position: int
    voltage_uv: int | None
    low_uv: int | None
    high_uv: int | None
    age_us: int | None  # process time since current stopped, in microseconds
    at: datetime
    received_at: datetime
    verdict: str


def sealed_figures(body: Mapping[str, Any]) -> BalanceFigures | None:
    """The balance that the sealed records show; None for none."""
    return balance_of([_record(plain) for plain in body.get("records", [])])


def sealed_capacity(body: Mapping[str, Any]) -> CapacityFigures | None:
    """The capacity that the sealed records show; None for none."""
    return capacity_of([_record(plain) for plain in body.get("records", [])])


def sealed_spread(body: Mapping[str, Any]) -> list[float]:
    """Volts of a pack's cells at the end of its last hold; empty for none."""
    return spread_of([_record(plain) for plain in body.get("records", [])])


def sealed_resistance(body: Mapping[str, Any]) -> ResistanceFigures | None:
    """The DC resistance that the sealed records show; None for none."""
    return resistance_of([_record(plain) for plain in body.get("records", [])])


def sealed_cells(body: Mapping[str, Any]) -> dict[int, BalanceFigures]:
    """The balance of each cell that the sealed records charge alone, by position."""
    return cells_of([_record(plain) for plain in body.get("records", [])])


def sealed_checks(body: Mapping[str, Any]) -> list[tuple[str, list[CellReading]]]:
    """Every measuring step's name and cells, in order."""
    return [
        (
            plain["step"],
            sorted((_sealed_cell(cell) for cell in plain["cells"]), key=lambda cell: cell.position),
        )
        for plain in body.get("records", [])
        if plain["cells"]
    ]


def differs(stored: BalanceFigures, sealed: BalanceFigures) -> str:
    """The name of the first figure that is not as it was sealed; "" for none."""
    for name in ("completeness", "remark"):
        if getattr(stored, name) != getattr(sealed, name):
            return name
    for name in ("tail_a", "done_a", "partial_a", "cv_s", "charge_ah"):
        if not math.isclose(getattr(stored, name), getattr(sealed, name), abs_tol=CLOSE):
            return name
    if millionths(stored.rested_v) != millionths(sealed.rested_v):
        return "rested_v"
    return ""


def first_difference(
    stored: Sequence[CellReading], sealed: Sequence[Sequence[CellReading]]
) -> int | None:
    """The position that differs from the check it is most like; None where one is the same.

    0 where there is nothing to compare with, or the number of cells is another.
    """
    fitting = [check for check in sealed if len(check) == len(stored)]
    if not fitting:
        return 0
    unlike = [
        [a.position for a, b in zip(stored, check, strict=True) if a != b] for check in fitting
    ]
    least = min(unlike, key=len)
    return least[0] if least else None


def millionths(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else round(value * MILLIONTHS)


def _record(plain: Mapping[str, Any]) -> Record:
    return Record(
        step=plain["step"],
        kind=plain["kind"],
        entered_at=datetime.fromisoformat(plain["entered_at"]),
        ended_at=datetime.fromisoformat(plain["ended_at"]),
        remarks=tuple(plain["remarks"]),
        facts=tuple((name, _whole(value)) for name, value in plain["facts"]),
        cell=plain.get("cell", 0),
    )


def _whole(value: int | None) -> float:
    return math.nan if value is None else value / MILLIONTHS


def _sealed_cell(plain: Mapping[str, Any]) -> CellReading:
    return CellReading(
        position=plain["position"],
        voltage_uv=plain["voltage_v"],
        low_uv=plain["window"]["low"],
        high_uv=plain["window"]["high"],
        age_us=plain["age_s"],
        at=datetime.fromisoformat(plain["at"]),
        received_at=datetime.fromisoformat(plain["received_at"]),
        verdict=plain["verdict"].upper(),
    )
