"""What people do with jobs: create, claim, release, cancel, start, confirm, stop.

Each is one transaction of compare-and-set moves; a refusal has written nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from celery import current_app
from celery.exceptions import OperationalError as BrokerError
from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.cells.services import touch_cells
from shop.equipment.models import Station
from shop.equipment.services import hold_station
from shop.forecast.finishing import unfinished_problems
from shop.jobs import queries, rules
from shop.jobs.attending import unattended_problems
from shop.jobs.models import (
    Job,
    JobCell,
    JobEvent,
    PersonAct,
    PolicyVersion,
    RecipeRetirement,
    RecipeVersion,
    Run,
    RunCell,
)
from shop.jobs.moves import move_job, move_run
from shop.jobs.planning import lasts_at_most, plan
from shop.jobs.policies import policy_of
from shop.jobs.procedures import procedure_of
from shop.jobs.states import JobState, RunState
from shop.jobs.terms import ATTENDED, Terms
from shop.people.models import User
from shop.people.roles import Act, Role, require
from shop.refusals import Problem, StaleTransition, reason_problems, refuse

log = logging.getLogger(__name__)

EXECUTE = "shop.execute_run"
MESSAGE_LIVES_S = 60  # what is still queued is sent again; a worker that was away finds no pile


def create_job(
    *,
    recipe_version: RecipeVersion,
    cells: Sequence[Cell],
    by: User,
    now: datetime,
    pack_id: int | None = None,
    parallel: int = 1,
) -> Job:
    """An OPEN job for `cells`, in the order of the bank.

    `pack_id` is the pack that they are in where it is done to the pack whole, `parallel` how many
    of them stand at each of its places.
    """
    require(by.role, Act.CREATE_JOB)
    known = procedure_of(recipe_version.procedure)
    retired = RecipeRetirement.objects.filter(version=recipe_version).first()
    facts = queries.cell_facts(cells, pack_id)
    refuse(
        [
            *rules.recipe_problems(str(recipe_version), retired.words if retired else ""),
            *rules.whole_pack_problems(known.on_pack, pack_id is not None),
            *rules.new_job_problems(
                facts, least=parallel * known.cells_min, most=parallel * known.cells_max
            ),
        ]
    )
    with transaction.atomic():
        job = Job.objects.create(
            kind=recipe_version.procedure,
            recipe_version=recipe_version,
            state=JobState.OPEN,
            created_by=by,
            created_at=now,
            pack_id=pack_id,
        )
        JobCell.objects.bulk_create(
            JobCell(job=job, cell=cell, position=position)
            for position, cell in enumerate(cells, start=1)
        )
        JobEvent.objects.create(
            job=job, kind="created", by=by, at=now, data={"cells": [c.serial for c in cells]}
        )
    return job


def claim_job(*, job: Job, station: Station, by: User, now: datetime) -> Job:
    """Reserve an OPEN job for `by` at `station` (F2); no lease, no task."""
    require(by.role, Act.CLAIM)
    roles = [instrument.role for instrument in station.instruments.all()]
    refuse(
        rules.claim_problems(
            state=job.state,
            station=station.slug,
            roles=roles,
            instruments_needed=procedure_of(job.kind).needs_at(roles),
            one_of=procedure_of(job.kind).needs_one_of,
        )
    )
    move_job(
        job,
        JobState.CLAIMED,
        kind="claimed",
        by=by,
        now=now,
        data={"station": station.slug},
        station=station,
        claimed_by=by,
        claimed_at=now,
    )
    return job


def release_job(*, job: Job, by: User, now: datetime) -> Job:
    """Give a claim back: the holder's own, or any by a supervisor."""
    require(by.role, Act.RELEASE)
    refuse(
        rules.release_problems(
            state=job.state,
            is_holder=job.claimed_by_id == by.pk,
            is_supervisor=by.role == Role.SUPERVISOR,
        )
    )
    with transaction.atomic():
        holder = job.claimed_by
        move_job(
            job,
            JobState.OPEN,
            kind="released",
            by=by,
            now=now,
            held_by=holder,
            station=None,
            claimed_by=None,
            claimed_at=None,
        )
        _tell_taken_back(job, holder, by, now)
    return job


def _tell_taken_back(job: Job, holder: User | None, by: User, now: datetime) -> None:
    """The audit has it where a claim was ended that somebody else held."""
    if holder is not None and holder != by:
        data = {"job": job.pk, "held_by": holder.pk}
        audit.record(kind=AuditEntry.Kind.CLAIM_TAKEN_BACK, by=by, now=now, data=data)


def cancel_problems(job: Job, *, by: User) -> list[Problem]:
    """Why `by` may not cancel the job as it stands."""
    return rules.cancel_problems(
        state=job.state,
        is_own=by == (job.claimed_by or job.created_by),
        is_supervisor=by.role == Role.SUPERVISOR,
    )


def cancel_job(*, job: Job, words: str, by: User, now: datetime) -> Job:
    """Nobody will do it: opened by mistake, or needless now.  Its runs and their evidence stay."""
    require(by.role, Act.CANCEL_JOB)
    holder = job.claimed_by
    found = cancel_problems(job, by=by)
    refuse(found + reason_problems(words, "A job is cancelled with a reason."))
    with transaction.atomic():
        move_job(
            job,
            JobState.CANCELLED,
            kind="cancelled",
            by=by,
            now=now,
            data={"words": words.strip()},
            held_by=holder,
        )
        _tell_taken_back(job, holder, by, now)
    return job


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
    refuse(rules.waiting_problems(terms, now=now))
    if not terms.attended and job.station is not None and policy is not None:
        known = policy_of(policy.parameters)
        span = terms.span(now, at=now)
        program = plan(job, job.station, attended=False, policy=known, span=span).program
        refuse(rules.nothing_waits_problems(terms, program))
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
                rules.start_problems(
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


def confirm_step(
    *, run: Run, step: str, by: User, now: datetime, answer: float | None = None
) -> PersonAct:
    """Record that `by` did what the Instruct step named `step` asks; the uplink forwards it.

    `answer` is what they read and typed, where the step asks for it.

    Confirming the same step again returns the first act.  A step that is announced before it is
    reached is announced to this attempt: after an interruption nobody may be at the bench.
    """
    require(by.role, Act.CONFIRM)
    run.refresh_from_db()
    steps, index = (run.program or {}).get("steps", []), (run.step or {}).get("index", 0)
    refuse(
        rules.confirm_problems(state=run.state, step=step, steps=steps, index=index, answer=answer)
    )
    data: dict[str, Any] = {"step": step} if answer is None else {"step": step, "answer": answer}
    if steps[index]["name"] != step:
        data["announced_in"] = run.attempt
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        for known in PersonAct.objects.filter(run=run, kind="confirm", data__step=step):
            if known.holds_in(run.attempt):
                return known
        act = PersonAct.objects.create(run=run, kind="confirm", data=data, by=by, at=now)
        JobEvent.objects.create(
            job_id=run.job_id, run=run, kind="confirmed", by=by, at=now, data=_told(data)
        )
    return act


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the job's history says of a confirmation."""
    return {key: data[key] for key in ("step", "answer") if key in data}


def request_stop(*, run: Run, by: User, now: datetime) -> Run:
    """Ask for a safe stop: by anyone, any number of times, never refused.

    A run that no worker has taken yet is STOPPED at once; otherwise the uplink passes the
    request to the guardian.  A run that is over stays as it is.
    """
    require(by.role, Act.STOP)
    run.refresh_from_db()
    if run.state == RunState.QUEUED:
        try:
            with transaction.atomic():
                end_run(run, RunState.STOPPED, cause=f"stopped by {by.words}", by=by, now=now)
            return run
        except StaleTransition:
            run.refresh_from_db()  # a worker has just taken it
    if run.is_over:
        return run
    with transaction.atomic():
        asked = Run.objects.filter(pk=run.pk, stop_requested_at__isnull=True).update(
            stop_requested_at=now, stop_requested_by=by
        )
        if asked:
            JobEvent.objects.create(
                job_id=run.job_id, run=run, kind="stop_requested", by=by, at=now
            )
    run.refresh_from_db()
    return run


def end_run(
    run: Run, state: RunState, *, cause: str, now: datetime, by: User | None = None
) -> None:
    """Bring a run to its terminal state, its job to DONE or back to CLAIMED, free its cells."""
    move_run(run, state, by=by, now=now, data={"cause": cause}, cause=cause[:500], ended_at=now)
    RunCell.objects.filter(run=run, active=True).update(active=False)
    job = run.job
    job.refresh_from_db()
    if state == RunState.FINISHED:
        move_job(job, JobState.DONE, kind="done", by=by, now=now, run=run)
    else:
        move_job(
            job, JobState.CLAIMED, kind="back_to_claimed", by=by, now=now, run=run, claimed_at=now
        )
