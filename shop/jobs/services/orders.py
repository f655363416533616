"""Jobs as orders for work: created, claimed, released, cancelled (F2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.equipment.models import Station, StationRetirement
from shop.equipment.services import hold_station
from shop.jobs import queries
from shop.jobs.models import Job, JobCell, JobEvent, RecipeRetirement, RecipeVersion
from shop.jobs.moves import move_job
from shop.jobs.procedures import procedure_of
from shop.jobs.rules import ordering
from shop.jobs.states import JobState
from shop.people.models import User
from shop.people.roles import Act, Role, require
from shop.refusals import Problem, reason_problems, refuse


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
            *ordering.recipe_problems(str(recipe_version), retired.words if retired else ""),
            *ordering.whole_pack_problems(known.on_pack, pack_id is not None),
            *ordering.new_job_problems(
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
    with transaction.atomic():
        hold_station(station.pk)  # it is claimed or retired, never both
        roles = [instrument.role for instrument in station.instruments.all()]
        refuse(
            ordering.claim_problems(
                state=job.state,
                station=station.slug,
                roles=roles,
                instruments_needed=procedure_of(job.kind).needs_at(roles),
                one_of=procedure_of(job.kind).needs_one_of,
                retired=StationRetirement.objects.filter(station=station).exists(),
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
        ordering.release_problems(
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
    return ordering.cancel_problems(
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
