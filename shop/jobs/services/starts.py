"""The start of a run: queued in the database, and the station's worker told (F1-F4, F6)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from celery import current_app
from celery.exceptions import OperationalError as BrokerError
from django.db import IntegrityError, transaction

from shop.cells.models import Cell
from shop.cells.services import touch_cells
from shop.equipment.models import Station
from shop.equipment.services import hold_station
from shop.forecast.finishing import unfinished_problems
from shop.jobs import queries
from shop.jobs.attending import unattended_problems
from shop.jobs.models import Job, PolicyVersion, Run, RunCell
from shop.jobs.moves import move_job
from shop.jobs.planning import lasts_at_most, plan
from shop.jobs.policies import policy_of
from shop.jobs.rules import starting
from shop.jobs.states import JobState, RunState
from shop.jobs.terms import ATTENDED, Terms
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import StaleTransition, refuse

log = logging.getLogger(__name__)

EXECUTE = "shop.execute_run"
MESSAGE_LIVES_S = 60  # what is still queued is sent again; a worker that was away finds no pile


def start_run(
    *,
    job: Job,
    by: User,
    now: datetime,
    terms: Terms = ATTENDED,
    rested_v: float | None = None,
) -> Run:
    """Queue a run of a claimed job; the station's worker is told after commit.

    The set-up was confirmed by the person.  A lost message delays the start by seconds:
    what is QUEUED and unleased is sent again.  A run that somebody comes for at its moment stays
    QUEUED until then, its station and cells reserved; one that is left alone begins at once, and
    must come to its end on the cell model, from `rested_v` (volts) where somebody measured it.
    """
    require(by.role, Act.START)
    policy = queries.policy_in_force()
    cells = queries.job_cells(job)
    refuse(starting.waiting_problems(terms, now=now))
    if not terms.attended and job.station is not None and policy is not None:
        known = policy_of(policy.parameters)
        span = terms.span(now, at=now)
        program = plan(job, job.station, attended=False, policy=known, span=span).program
        refuse(starting.nothing_waits_problems(terms, program))
        waits = terms.waits(now)  # the worker asks again then, with nobody there
        refuse(unattended_problems(job, job.station, program, policy=known, now=now, waits=waits))
        refuse(unfinished_problems(job, job.station, rested_v))
    try:
        with transaction.atomic():
            touch_cells(cells)  # a cell is started or assembled, never both
            if job.station is not None:
                hold_station(job.station.pk)
            # Under the hold: instruments or leads may have been taken off since the claim.
            lasts, unplanned = lasts_at_most(job, job.station)
            refuse(
                starting.start_problems(
                    state=job.state,
                    is_holder=job.claimed_by_id == by.pk,
                    station=queries.station_fact(job.station, now) if job.station else None,
                    cells=queries.cell_facts(cells, job.pack_id),
                    has_policy=policy is not None,
                    lasts=lasts + terms.waits(now),
                    now=now,
                )
            )
            refuse(unplanned)
            assert job.station is not None  # noqa: S101  a claimed job has one: constraint
            assert policy is not None  # noqa: S101  refused above
            return _queue(job, job.station, policy, cells, terms, by, now)
    except IntegrityError as error:
        # The station was taken between the look and the write.
        raise StaleTransition(f"The station or a cell of job {job.pk}", "free") from error


def _queue(
    job: Job,
    station: Station,
    policy: PolicyVersion,
    cells: Sequence[Cell],
    terms: Terms,
    by: User,
    now: datetime,
) -> Run:
    run = Run.objects.create(
        job=job,
        station=station,
        state=RunState.QUEUED,
        started_by=by,
        queued_at=now,
        policy_version=policy,
        attended=terms.attended,
        not_before=terms.not_before,
        ready_by=terms.ready_by,
    )
    RunCell.objects.bulk_create(
        RunCell(run=run, cell=cell, position=position)
        for position, cell in enumerate(cells, start=1)
    )
    move_job(
        job,
        JobState.IN_PROGRESS,
        kind="started",
        by=by,
        now=now,
        run=run,
        held_by=by,
        data=terms.told,
    )

    def tell() -> None:
        try:
            send_run(run.pk, station.slug)
        except BrokerError as error:  # what is QUEUED is sent again
            log.warning("run %s waits for the broker: %s", run.pk, error)

    if not terms.is_queued(now):  # else it is sent once its moment has come
        transaction.on_commit(tell, robust=True)
    return run


def send_run(run_id: int, slug: str) -> None:
    """Ask the station's worker to execute the run; a duplicate is a no-op by the lease."""
    current_app.send_task(
        EXECUTE, args=[run_id], queue=f"station.{slug}", retry=False, expires=MESSAGE_LIVES_S
    )
