"""May a run be left alone, or promised for a time, by how it ends on the cell model (F4-F6)?"""

from __future__ import annotations

from shop.equipment.models import Station
from shop.forecast.queries import stop_of
from shop.jobs.models import Job
from shop.refusals import Problem
from stations.planner.hours import Stop

BY_LEADS = "Fit thicker, shorter leads or sense wires and commission the station again"
BY_TIME = "Choose a recipe with more current or a longer limit"


def unfinished_problems(job: Job, station: Station, rested_v: float | None) -> list[Problem]:
    """Why nobody may leave the job alone: its program would break off; empty where it ends well."""
    return problems(stop_of(job, station, rested_v), "left alone")


def problems(stop: Stop | None, what: str) -> list[Problem]:
    """`stop`: why the program would break off; `what` cannot be done with it."""
    if stop is None:
        return []
    fix = BY_TIME if stop.by_time else BY_LEADS
    words = f"It cannot be {what}, for the plan does not come to its end: {stop.words}."
    return [Problem("unfinished", words, f"{fix}; or begin it now and stay with it.")]
