"""A curve as the browser draws it: aligned lists, null where nothing was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shop.jobs.queries import StepBegun
from shop.readings.queries import Curve

POINTS_DEFAULT, POINTS_MAX = 600, 5000


def points_asked(text: str | None) -> int:
    """How many points a caller may have; anything unreadable means the default."""
    if text is None or not text.isdigit():
        return POINTS_DEFAULT
    return min(max(int(text), 10), POINTS_MAX)


def curve_shape(
    drawn: Curve,
    *,
    run: int,
    target_v: float | None,
    simulated: bool | None,
    steps: Sequence[StepBegun],
) -> dict[str, Any]:
    """Times are seconds since 1970 of the bench clock; volts, amps, °C of the hottest."""
    start_s = drawn.started_at.timestamp() if drawn.started_at else 0.0
    return {
        "run": run,
        "at": [round(start_s + t, 3) for t in drawn.t_s],
        "voltage_v": _rounded(drawn.voltage_v, 4),
        "supply_voltage_v": _rounded(drawn.supply_voltage_v, 3),
        "current_a": _rounded(drawn.supply_current_a, 3),
        "cells_v": [_rounded(cell, 4) for cell in drawn.cells_v],
        "temperature_c": _rounded(drawn.temperature_c, 1),
        "gaps": [[round(start_s + edge, 3) for edge in gap] for gap in drawn.gaps],
        "steps": _spans(steps, until_s=start_s + (drawn.t_s[-1] if drawn.t_s else 0.0)),
        "readings": drawn.count,
        "target_v": target_v,
        "simulated": simulated,
    }


def _spans(steps: Sequence[StepBegun], *, until_s: float) -> list[dict[str, Any]]:
    """Each step from where it began to where the next one did, the last to the last reading."""
    begun = [step.at.timestamp() for step in steps]
    ends = [*begun[1:], max([until_s, *begun[-1:]])]
    return [
        {"name": step.name, "title": step.title, "from": round(start, 3), "to": round(end, 3)}
        for step, start, end in zip(steps, begun, ends, strict=False)
    ]


def _rounded(column: Sequence[float | None], digits: int) -> list[float | None]:
    return [None if value is None else round(value, digits) for value in column]
