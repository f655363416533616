"""Hours of a job before its start, and what is left of a run; nothing is stored.

The planner plays the program on the cell model, which takes seconds; what it found is kept in
this process for as long as the same program is asked about.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

from django.db import close_old_connections, connection

from shop.equipment.models import Station
from shop.forecast.leads import leads_known
from shop.forecast.looks import looks_of
from shop.forecast.seen import seen_of
from shop.forecast.ways import maker, own
from shop.jobs.models import Job, Run
from shop.jobs.planning import cells_of, plan, ratings_of
from shop.jobs.procedures import (
    BOTTOM_BALANCE,
    CAPACITY_TEST,
    CELL_RECHARGE,
    LEVELLING,
    PACK_RECOVERY,
    PARALLEL_TOP_BALANCE,
    SERIES_PRECHARGE,
    SINGLE_CELLS,
    STEP_PAUSE,
    UNSEEN_PRECHARGE,
)
from shop.jobs.queries import steps_begun
from shop.jobs.states import RunState
from shop.refusals import Problem, Refusal
from stations.plain import from_plain
from stations.planner.alternatives import Alternative, alternatives, loads
from stations.planner.emptying import emptying_hours, emptying_interval
from stations.planner.hours import Course, Interval, Stop, charge_of, courses, interval
from stations.planner.knowledge import Known, known_by_volts, unknown_soc
from stations.planner.naming import Look
from stations.planner.presence import Visit, visits
from stations.planner.remaining import Stand, left
from stations.planner.seen import Seen
from stations.planner.series import series_hours
from stations.planner.surge import Surge, surges
from stations.planner.tails import Left
from stations.planner.whole import string_hours
from stations.procedures.steps import Charge, Program, SeriesCharge

RESTED_V = (2.0, 3.65)  # what a person may say that cells rest at
SETTINGS = 6
NIGHT_H = 8.0  # the article's night, 22:00 to 06:00
FORETOLD = frozenset(
    {
        BOTTOM_BALANCE,
        PARALLEL_TOP_BALANCE,
        STEP_PAUSE,
        SINGLE_CELLS,
        CELL_RECHARGE,
        LEVELLING,
        CAPACITY_TEST,
        PACK_RECOVERY,
        SERIES_PRECHARGE,
        UNSEEN_PRECHARGE,
    }
)
ENDS_BY_FORMULA = frozenset({BOTTOM_BALANCE, SERIES_PRECHARGE, UNSEEN_PRECHARGE})
KEPT = 16  # runs of which is known what was said last
_one_at_a_time = threading.Lock()
_said: dict[int, tuple[Stand, Left | None]] = {}  # by run, the newest last


@dataclass(frozen=True, slots=True)
class Forecast:
    """Hours of what the bench does up to the last tail or rest, hands in between not counted.

    `stop`: why the program would give up; None where it comes to its tail.  `visits` say who must
    be there when.
    """

    hours: Interval
    stop: Stop | None
    alternatives: tuple[Alternative, ...]
    visits: tuple[Visit, ...]
    surges: tuple[Surge, ...]
    rested_v: float | None
    in_series: bool = False  # up to the first full cell of a string

    @property
    def finishes(self) -> bool:
        return self.stop is None

    @property
    def stops(self) -> str:
        """Why it would give up, in words; "" where it comes to its tail."""
        return self.stop.words if self.stop else ""

    @property
    def is_night(self) -> bool:
        """Whether it fits into the article's night, at least as often as not."""
        return self.hours.middle <= NIGHT_H


@dataclass(frozen=True, slots=True)
class LoadHours:
    """Hours of one load that empties cells in turn: from full, and from half."""

    full_h: float
    half_h: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the bench has left of a run, None while it waits, and what the run has shown."""

    left: Left | None
    looks: tuple[Look, ...]


def forecast(
    job: Job, station: Station, rested_v: float | None = None, *, beside: bool = True
) -> Forecast | None:
    """Of a job that would run at `station`; None for a procedure whose hours nobody foretells.

    `rested_v`: volts at which its cells rest, where somebody measured them.  Raises Refusal for
    volts that no cell rests at, and where the job cannot be planned.  `beside`: with what would be
    quicker, which takes seconds more.
    """
    if job.kind not in FORETOLD:
        return None
    cells, bench = cells_of(job), ratings_of(station)
    program = plan(job, station).program
    string = next((step for step in program.steps if isinstance(step, SeriesCharge)), None)
    if job.kind == PACK_RECOVERY:
        return _of_pack(program, rested_v)
    if string is not None:
        return _of_string(program, string, len(cells), cells[0].capacity_ah, rested_v)
    make, variant = maker(job, station, cells, bench, program.target_v), own(job, len(cells), bench)
    if job.kind == BOTTOM_BALANCE:
        known = _known(RESTED_V[1], len(cells), cells[0].capacity_ah, rested_v)
        with _in_turn():
            hours = emptying_interval(program, known)
            others = loads(make, variant, known, hours) if beside else ()
        return Forecast(hours, None, others, visits(program, hours), (), rested_v)
    charge = charge_of(program)
    if charge is None:
        return None
    known = _known(charge.setpoint.voltage_v, len(cells), cells[0].capacity_ah, rested_v)
    known = replace(known, leads_ohm=leads_known(station))
    with _in_turn():
        found = _played(program, charge, known)
        hours = interval([course.hours for course in found])
        stop = next((course.stop for course in found if course.stop), None)
        finishes = stop is None
        others = alternatives(make, variant, known, hours, finishes=finishes) if beside else ()
    return Forecast(hours, stop, others, visits(program, hours), surges(program), rested_v)


def stop_of(job: Job, station: Station, rested_v: float | None = None) -> Stop | None:
    """Why the job would not come to its end at `station`; None where it does or nobody knows."""
    if job.kind not in FORETOLD or job.kind in ENDS_BY_FORMULA:
        return None
    return stop_in(job, forecast(job, station, rested_v, beside=False))


def stop_in(job: Job, found: Forecast | None) -> Stop | None:
    """Likewise, where its forecast was `found` already."""
    if found is not None:
        return found.stop
    return Stop("on the cell model it has none") if job.kind in FORETOLD else None


def load_hours(job: Job, program: Program) -> LoadHours | None:
    """Of a bottom balance as it is planned; None for another procedure."""
    if job.kind != BOTTOM_BALANCE:
        return None
    ah = cells_of(job)[0].capacity_ah
    return LoadHours(*(emptying_hours(program, ah, soc=soc) for soc in (1.0, 0.5)))


def _of_string(
    program: Program, string: SeriesCharge, cells: int, capacity_ah: float, rested_v: float | None
) -> Forecast:
    """B10: by formula, for the fullest cell ends it; no other way does the same."""
    hours = series_hours(string, _known(string.target_v, cells, capacity_ah, rested_v))
    return Forecast(
        hours, None, (), visits(program, hours), surges(program), rested_v, in_series=True
    )


def _of_pack(program: Program, rested_v: float | None) -> Forecast | None:
    """B14: filled, held, cycled and filled again; None where the model knows no end."""
    known = _known(program.target_v, program.cells, dict(program.facts)["cell_ah"], rested_v)
    with _in_turn():
        hours = string_hours(program, known, rested_v)
    if hours is None:
        return None
    return Forecast(hours, None, (), visits(program, hours), (), rested_v)


def outlook_of(run: Run) -> Outlook:
    """Of a run that is under way or over, by its own readings."""
    if run.program is None:
        return Outlook(None, ())
    program, seen = from_plain(Program, run.program), seen_of(run)
    return Outlook(_left(run, program, seen), looks_of(run, program, seen))


def _left(run: Run, program: Program, seen: Seen | None) -> Left | None:
    """None while the bench waits for a person or measures, and for what drives nothing."""
    if seen is None or run.state != RunState.RUNNING:
        return None
    facts = dict(program.facts)
    stand = Stand(
        program=program,
        step=str((run.step or {}).get("name", "")),
        at=seen.last_at.replace(second=0, microsecond=0),
        capacity_ah=facts.get("cell_ah") or cells_of(run.job)[0].capacity_ah,
        leads_ohm=leads_known(run.station),
        rested_v=seen.rested_v,
        seen=seen,
        began=tuple((step.name, step.at) for step in steps_begun(run.pk)),
    )
    with _in_turn():
        return _left_of(run.pk, stand)


def _left_of(run_id: int, stand: Stand) -> Left | None:
    """Asked for by every page that is open: played once in a minute of the run.

    Its readings, which may be many, are not kept.
    """
    known = _said.pop(run_id, None)
    if known is None or known[0] != stand:
        bare = replace(stand, seen=stand.seen.only(stand.seen.at_s < 0))
        known = bare, left(stand)
    _said[run_id] = known
    if len(_said) > KEPT:
        del _said[next(iter(_said))]
    return known[1]


@contextmanager
def _in_turn() -> Iterator[None]:
    """One plays at a time, and whoever waits for it leaves the database to others meanwhile."""
    if not connection.in_atomic_block:
        close_old_connections()
    with _one_at_a_time:
        yield


def _known(full_v: float, cells: int, capacity_ah: float, rested_v: float | None) -> Known:
    if rested_v is None:
        return unknown_soc(cells, capacity_ah, below_v=full_v)
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


@lru_cache(maxsize=128)
def _played(program: Program, charge: Charge, known: Known) -> tuple[Course, ...]:
    return tuple(courses(program, charge, known, settings=SETTINGS))
