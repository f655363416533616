"""“Ready by 06:00”, as pages and programs ask for it and see it (F6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from api.refused import one_problem
from stations.planner.schedule import Schedule

FURTHEST = timedelta(hours=14)  # of any zone from UTC


def moment_typed(text: str, minutes_behind: str = "") -> datetime | None:
    """A moment from a form: ISO, with its offset or else so many minutes behind UTC; None for "".

    Raises Refusal for what is no moment.
    """
    if not text.strip():
        return None
    try:
        at = parse_datetime(text.strip())
        behind = timedelta(minutes=int(minutes_behind or 0))
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
        if at is not None and abs(behind) <= FURTHEST:
            return at.replace(tzinfo=UTC) + behind
    except (ValueError, OverflowError):  # what is no moment, and what is none in UTC
        pass
    words = f"{text!r:.40} is no moment."
    raise one_problem("moment", words, "Type date and time, such as 2026-11-27T06:00.")


def schedule_shape(plan: Schedule) -> dict[str, Any]:
    return {
        "begin_at": plan.begin_at,
        "drives_at": plan.drives_at,
        "ready_by": plan.ready_by,
        "calls": [
            {"titles": call.titles, "earliest": call.earliest, "latest": call.latest}
            for call in plan.calls
        ],
        "attention_s": plan.attention.total_seconds(),
        "waits_max_s": plan.waits_max.total_seconds(),
        "held": plan.held,
    }
