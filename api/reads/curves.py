"""A run's curve as the browser draws it: aligned lists, null where nothing was read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from shop.jobs.models import Run
from shop.readings.chunks import MILLIONTHS, Floats, Table, decode

POINTS_DEFAULT, POINTS_MAX = 600, 5000
GAP_FACTOR = 12.0  # a pause this many times the usual distance is drawn as a gap


def points_asked(text: str | None) -> int:
    """How many points a caller may have; anything unreadable means the default."""
    if text is None or not text.isdigit():
        return POINTS_DEFAULT
    return min(max(int(text), 2), POINTS_MAX)


def curve_shape(run: Run, points: int) -> dict[str, Any]:
    chunks = run.chunks.order_by("attempt", "first_seq").only("payload")
    tables = [decode(bytes(chunk.payload)) for chunk in chunks]
    at = _joined([t.values["at_us"] / MILLIONTHS for t in tables])
    keep = _kept(len(at), points)
    program = run.program or {}
    return {
        "run": run.pk,
        "at": [round(float(v), 3) for v in at[keep]],
        "voltage_v": _column(tables, "voltage_uv", keep, 4),
        "supply_voltage_v": _column(tables, "supply_voltage_uv", keep, 3),
        "current_a": _column(tables, "supply_current_ua", keep, 3),
        "cells_v": [
            _column(tables, f"cell_{n}_uv", keep, 4)
            for n in range(1, (tables[0].cells if tables else 0) + 1)
        ],
        "steps": [],
        "target_v": program.get("target_v"),
        "simulated": run.simulated,
    }


def _kept(count: int, points: int) -> Any:
    """Evenly spaced places, the first and the last among them."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(points, count)).astype(int))


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)


def _column(tables: list[Table], name: str, keep: Any, digits: int) -> list[float | None]:
    values = _joined([t.floats(name) for t in tables])[keep]
    return [None if math.isnan(v) else round(float(v), digits) for v in values]
