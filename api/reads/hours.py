"""Hours of a job and what is left of a run, as pages and programs ask for them (F5)."""

from __future__ import annotations

from typing import Any

from api.reads.typed import number_typed
from api.refused import one_problem
from stations.planner.hours import Interval


def volts_typed(text: str) -> float | None:
    """Volts from a query; None where nothing was typed.  Raises Refusal for what is no number."""
    if not text.strip():
        return None
    volts = number_typed(text)
    if volts is None:
        raise one_problem("rested_v", f"{text!r:.40} is no voltage.", "Type volts, such as 3.312.")
    return volts


def interval_shape(hours: Interval) -> dict[str, Any]:
    return {"low_h": hours.low, "middle_h": hours.middle, "high_h": hours.high}
