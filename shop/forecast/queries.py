"""Hours of a job before its start, and what is left of a run; nothing is stored.

The planner plays the program on the cell model, which takes seconds; what it found is kept in
this process for as long as the same program is asked about.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache

from shop.equipment.models import Station
from shop.forecast.looks import looks_of
from shop.forecast.seen import seen_of
from shop.jobs.models import Job, Run
from shop.jobs.planning import cells_of, plan, ratings_of
from shop.jobs.procedures import PARALLEL_TOP_BALANCE, SERIES_PRECHARGE
from shop.jobs.states import RunState
from shop.refusals import Problem, Refusal
from stations.plain import from_plain
from stations.planner.alternatives import Alternative, alternatives
from stations.planner.hours import Course, Interval, charge_of, courses, interval
from stations.planner.knowledge import Known, known_by_volts, unknown_soc
from stations.planner.naming import Look
from stations.planner.remaining import Left, left
from stations.planner.seen import Seen
from stations.planner.series import series_hours
from stations.procedures.steps import Charge, Program, SeriesCharge

RESTED_V = (2.0, 3.65)  # what a person may say that cells rest at
SETTINGS = 6
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Forecast:
    """Hours of charging up to the tail; `finishes` is False where the program would give up."""

    hours: Interval
    finishes: bool
    alternatives: tuple[Alternative, ...]
    rested_v: float | None
    in_series: bool = False  # up to the first full cell of a string


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a charge has left, None for not to be said, and what the run has shown."""

    left: Left | None
    looks: tuple[Look, ...]


def forecast(job: Job, station: Station, rested_v: float | None = None) -> Forecast | None:
    """Of a job that would run at `station`; None for a procedure whose hours nobody foretells.

    `rested_v`: volts at which its cells rest, where somebody measured them.  Raises Refusal for
    volts that no cell rests at, and where the job cannot be planned.
    """
    if job.kind not in (PARALLEL_TOP_BALANCE, SERIES_PRECHARGE):
        return None
    cells = cells_of(job)
    known = _known(len(cells), cells[0].capacity_ah, rested_v)
    program = plan(job, station).program
    if job.kind == SERIES_PRECHARGE:
        (string,) = (step for step in program.steps if isinstance(step, SeriesCharge))
        return Forecast(series_hours(string, known), True, (), rested_v, in_series=True)
    charge = charge_of(program)
    if charge is None:
        return None
    found = _courses(program, charge, known)
    hours = interval([course.hours for course in found])
    others = alternatives(charge, ratings_of(station).supply, known, hours)
    return Forecast(hours, all(course.finishes for course in found), others, rested_v)


def outlook_of(run: Run) -> Outlook:
    """Of a run that is under way or over, by its own readings."""
    if run.program is None:
        return Outlook(None, ())
    program, seen = from_plain(Program, run.program), seen_of(run)
    return Outlook(_left(run, program, seen), looks_of(run, program, seen))


def _left(run: Run, program: Program, seen: Seen | None) -> Left | None:
    """None while the run is in no charge whose hours are foretold."""
    if seen is None or run.state != RunState.RUNNING or run.job.kind != PARALLEL_TOP_BALANCE:
        return None
    charge = charge_of(program)
    if charge is None or (run.step or {}).get("name") != charge.name:
        return None
    if not seen.rested_v or not seen.on.any():
        return None
    known = known_by_volts(seen.rested_v, cells_of(run.job)[0].capacity_ah)
    return left(charge, _courses(program, charge, known), seen.progress(known))


def _known(cells: int, capacity_ah: float, rested_v: float | None) -> Known:
    if rested_v is None:
        return unknown_soc(cells, capacity_ah)
    low, high = RESTED_V
    if not low <= rested_v <= high:
        raise Refusal(
            [
                Problem(
                    "rested_v",
                    f"No LiFePO4 cell rests at {rested_v:g} V.",
                    f"Measure a cell that has rested for an hour: {low:.2f} … {high:.2f} V.",
                )
            ]
        )
    return known_by_volts((rested_v,) * cells, capacity_ah)


def _courses(program: Program, charge: Charge, known: Known) -> tuple[Course, ...]:
    with _one_at_a_time:
        return _played(program, charge, known)


@lru_cache(maxsize=128)
def _played(program: Program, charge: Charge, known: Known) -> tuple[Course, ...]:
    return tuple(courses(program, charge, known, settings=SETTINGS))
