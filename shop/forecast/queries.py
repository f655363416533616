"""Hours of a job before its start, and what is left of a run; nothing is stored.

The planner plays the program on the cell model, which takes seconds; what it found is kept in
this process for as long as the same program is asked about.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from shop.equipment.models import Station
from shop.jobs.models import Job, Run
from shop.jobs.planning import cells_of, plan, ratings_of
from shop.jobs.procedures import PARALLEL_TOP_BALANCE
from shop.jobs.states import RunState
from shop.readings.chunks import Table
from shop.readings.columns import EPOCH, MILLIONTHS, Floats
from shop.readings.queries import column, stored_tables
from shop.refusals import Problem, Refusal
from stations.plain import from_plain
from stations.planner.alternatives import Alternative, alternatives
from stations.planner.contacts import Looked, poor_contacts
from stations.planner.hours import Course, Interval, charge_of, courses, interval
from stations.planner.knowledge import Known, known_by_volts, unknown_soc
from stations.planner.remaining import SLOPE_OVER, Left, Progress, left
from stations.procedures.steps import Charge, Program

RESTED_V = (2.0, 3.65)  # what a person may say that cells rest at
SETTINGS = 6
SAMPLE_MAX_S = 60.0  # between two readings of one session; longer is a gap, and nothing flowed
TAIL_POINTS = 60
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Forecast:
    """Hours of charging up to the tail; `finishes` is False where the program would give up."""

    hours: Interval
    finishes: bool
    alternatives: tuple[Alternative, ...]
    rested_v: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a charge has left, and the poor contacts that it has shown; None for not to be said."""

    left: Left | None
    contacts: Looked | None


def forecast(job: Job, station: Station, rested_v: float | None = None) -> Forecast | None:
    """Of a job that would run at `station`; None for a procedure whose hours nobody foretells.

    `rested_v`: volts at which its cells rest, where somebody measured them.  Raises Refusal for
    volts that no cell rests at, and where the job cannot be planned.
    """
    if job.kind != PARALLEL_TOP_BALANCE:
        return None
    cells = cells_of(job)
    known = _known(len(cells), cells[0].capacity_ah, rested_v)
    program = plan(job, station).program
    charge = charge_of(program)
    if charge is None:
        return None
    found = _courses(program, charge, known)
    hours = interval([course.hours for course in found])
    others = alternatives(charge, ratings_of(station).supply, known, hours)
    return Forecast(hours, all(course.finishes for course in found), others, rested_v)


def outlook_of(run: Run) -> Outlook:
    """Of a run that is under way or over, by its own readings; nothing of another procedure."""
    if run.job.kind != PARALLEL_TOP_BALANCE:
        return Outlook(None, None)
    seen = _seen(run)
    return Outlook(_left(run, seen), _contacts(seen) if seen is not None else None)


def _left(run: Run, seen: _Seen | None) -> Left | None:
    """None while the run is in no charge whose hours are foretold."""
    if seen is None or run.state != RunState.RUNNING or run.program is None:
        return None
    program = from_plain(Program, run.program)
    charge = charge_of(program)
    if charge is None or (run.step or {}).get("name") != charge.name:
        return None
    if not seen.rested_v or not seen.on.any():
        return None
    known = known_by_volts(seen.rested_v, cells_of(run.job)[0].capacity_ah)
    return left(charge, _courses(program, charge, known), seen.progress(known))


def _contacts(seen: _Seen) -> Looked | None:
    """Poor contacts that its charge has shown; None before any current."""
    flowed = (seen.on > 0) & ~np.isnan(seen.cells_v).all(axis=1)
    if not flowed.any():
        return None
    return poor_contacts(
        at_s=seen.at_s[flowed],
        current_a=seen.current_a[flowed],
        cv=seen.cv[flowed],
        cells_v=seen.cells_v[flowed],
    )


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


@dataclass(frozen=True, slots=True)
class _Seen:
    """A run's stored readings as columns, over all its attempts."""

    at_s: Floats
    on: Floats
    cv: Floats
    current_a: Floats
    voltage_v: Floats
    cells_v: Floats  # a row per reading, a column per cell; NaN where a channel gave nothing
    rested_v: tuple[float, ...]  # of every cell before anything was switched on; () while unknown

    def progress(self, known: Known) -> Progress:
        steps_s = np.diff(self.at_s, prepend=self.at_s[:1])
        flowed = np.where((self.on > 0) & (steps_s <= SAMPLE_MAX_S), self.current_a, 0.0)
        others = np.flatnonzero((self.cv == 0) | (self.on == 0))
        first = int(others[-1]) + 1 if len(others) else 0
        in_cv = first < len(self.at_s)
        return Progress(
            at=_time(self.at_s[-1]),
            charge_ah=float(np.nansum(flowed * steps_s)) / 3600,
            current_a=float(self.current_a[-1]),
            voltage_v=float(self.voltage_v[-1]),
            known=known,
            cv_since=_time(self.at_s[first]) if in_cv else None,
            tail=self._tail(first) if in_cv else (),
        )

    def _tail(self, first: int) -> tuple[tuple[datetime, float], ...]:
        recent = self.at_s[-1] - SLOPE_OVER.total_seconds()
        begin = max(first, int(np.searchsorted(self.at_s, recent)))
        every = max(1, (len(self.at_s) - begin) // TAIL_POINTS)
        kept = range(begin, len(self.at_s), every)
        return tuple((_time(self.at_s[i]), float(self.current_a[i])) for i in kept)


def _seen(run: Run) -> _Seen | None:
    """None before the first reading is stored."""
    tables = [table for _, table in stored_tables(run)]
    if not tables:
        return None
    at_s = np.concatenate([table.values["at_us"] for table in tables]) / MILLIONTHS
    on = np.concatenate([_state(table, 0) for table in tables])
    cells = range(1, max(table.cells for table in tables) + 1)
    by_cell = np.array([column(tables, f"cell_{n}_uv") for n in cells])
    cells_v = by_cell.reshape(len(cells), len(at_s)).T
    return _Seen(
        at_s=at_s,
        on=on,
        cv=np.concatenate([_state(table, 1) for table in tables]),
        current_a=column(tables, "supply_current_ua"),
        voltage_v=column(tables, "voltage_uv"),
        cells_v=cells_v,
        rested_v=_rested(on, cells_v),
    )


def _state(table: Table, which: int) -> Floats:
    """1 where the output was on (0), or where the supply said CV (1)."""
    of_code = [float(state[0]) if which == 0 else float(state[1] == "CV") for state in table.states]
    result: Floats = np.array(of_code)[table.values["state"]]
    return result


def _rested(on: Floats, cells_v: Floats) -> tuple[float, ...]:
    """The first row with every cell seen, before anything was switched on; () for none."""
    before = np.flatnonzero(on)
    until = int(before[0]) if len(before) else len(on)
    whole = np.flatnonzero(np.isfinite(cells_v[:until]).all(axis=1))
    return tuple(cells_v[whole[0]].tolist()) if len(whole) else ()


def _time(at_s: float) -> datetime:
    return EPOCH + timedelta(seconds=float(at_s))
