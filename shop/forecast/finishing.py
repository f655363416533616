"""May a run be left alone, or promised for a time, by how it ends on the cell model (F4-F6)?"""

from __future__ import annotations

from shop.equipment.models import Station
from shop.forecast.queries import stops_of
from shop.jobs.models import Job
from shop.refusals import Problem

BY_LEADS = "Fit thicker, shorter leads or sense wires and commission the station again"
BY_TIME = "Choose a recipe with more current or a longer limit"


def unfinished_problems(job: Job, station: Station, rested_v: float | None) -> list[Problem]:
    """Why nobody may leave the job alone: its program would break off; empty where it ends well."""
    return problems(stops_of(job, station, rested_v), "left alone")


def problems(stops: str, what: str) -> list[Problem]:
    """`stops`: why the program would break off; `what` cannot be done with it."""
    if not stops:
        return []
    fix = BY_TIME if "limited by its time" in stops else BY_LEADS
    words = f"It cannot be {what}, for the plan does not come to its end: {stops}."
    return [Problem("unfinished", words, f"{fix}; or begin it now and stay with it.")]
