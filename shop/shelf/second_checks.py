"""Self-discharge watches: when a second check is due, and the job for it, which opens by itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from shop.evidence.models import VoltageCheck
from shop.evidence.watched import open_first_checks
from shop.jobs.models import Job, JobCell, JobEvent, RecipeRetirement, RecipeVersion
from shop.jobs.procedures import SELF_DISCHARGE
from shop.jobs.services.orders import create_job
from shop.jobs.states import JobState
from shop.refusals import Refusal
from shop.shelf.models import Alert
from shop.shelf.rules import WORDS, Reminder, cells_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SecondCheck:
    """When the second check of what `first` saw may be, and from when on it is too late."""

    first: VoltageCheck
    due_at: datetime
    until: datetime

    def is_due(self, now: datetime) -> bool:
        return self.due_at <= now <= self.until


def second_check_of(first: VoltageCheck) -> SecondCheck:
    """By the rule of the first check's own program; `first` is of a run and has its cells."""
    assert first.run is not None  # noqa: S101  only runs leave one
    rule = (first.run.program or {})["steps"][-1]["rule"]
    seen_at = max(row.received_at for row in first.cells.all())
    return SecondCheck(
        first=first,
        due_at=seen_at + timedelta(seconds=rule["gap_min"]),
        until=seen_at + timedelta(seconds=rule["gap_max"]),
    )


def awaited(now: datetime) -> list[SecondCheck]:
    """Every watch that waits for its second check, by when it is due; none that is too late."""
    checks = open_first_checks().select_related("run__job__recipe_version", "run__job__created_by")
    found = (second_check_of(first) for first in checks.prefetch_related("cells"))
    return sorted(
        (one for one in found if now <= one.until), key=lambda one: (one.due_at, one.first.pk)
    )


def open_due(*, now: datetime) -> list[Job]:
    """A job for every second check that is due and has none; each once, with its alert.

    Two that look at once write one alert, and its writer makes the job.
    """
    opened = [_opened(one, now) for one in awaited(now) if one.is_due(now)]
    return [job for job in opened if job is not None]


def _opened(due: SecondCheck, now: datetime) -> Job | None:
    run = due.first.run
    assert run is not None  # noqa: S101
    if Alert.objects.filter(run=run, kind=Reminder.WATCH_DUE).exists() or _has_job(due.first):
        return None
    rows = due.first.cells.select_related("cell").order_by("position")
    cells = [row.cell for row in rows]
    try:
        with transaction.atomic():
            job = create_job(
                recipe_version=_in_use(run.job.recipe_version),
                cells=cells,
                by=run.job.created_by,
                now=now,
            )
            words = WORDS[Reminder.WATCH_DUE].format(
                cells=cells_of(run.pk, len(cells)),
                until=f"{due.until:%d %b %H:%M} UTC",
                job=job.pk,
            )
            Alert.objects.create(
                kind=Reminder.WATCH_DUE, run=run, due_at=due.due_at, raised_at=now, words=words
            )
            JobEvent.objects.create(
                job=job, kind="second_check", at=now, data={"words": f"first in run {run.pk}"}
            )
            return job
    except (IntegrityError, Refusal) as why:  # somebody else did, or a cell is in a pack now
        log.warning("no job for the second check of run %s: %s", run.pk, why)
        return None


def _in_use(version: RecipeVersion) -> RecipeVersion:
    """The version of the first check, or the newest of its recipe where that is retired now."""
    if not RecipeRetirement.objects.filter(version=version).exists():
        return version
    others = RecipeVersion.objects.filter(recipe=version.recipe_id, retirement=None)
    return others.order_by("-version").first() or version


def _has_job(first: VoltageCheck) -> bool:
    """A person made one: a job of the kind, after the first check, that has one of its cells."""
    cells = first.cells.values("cell")
    jobs = Job.objects.filter(
        Exists(JobCell.objects.filter(job=OuterRef("pk"), cell__in=cells)),
        kind=SELF_DISCHARGE,
        created_at__gt=first.recorded_at,
    )
    return jobs.exclude(state=JobState.CANCELLED).exists()
