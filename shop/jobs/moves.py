"""The only functions that move a job or a run from state to state.

A move that the table lacks is refused; the row changes only if it is still in the state that
the caller believed in, else StaleTransition; the JobEvent is written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from shop.jobs.models import Job, JobEvent, Run
from shop.jobs.states import (
    JOB_TRANSITIONS,
    JOB_WORDS,
    RUN_TRANSITIONS,
    RUN_WORDS,
    JobState,
    RunState,
)
from shop.people.models import User
from shop.refusals import Problem, Refusal, StaleTransition


def move_job(
    job: Job,
    to: JobState,
    *,
    kind: str,
    by: User | None,
    now: datetime,
    run: Run | None = None,
    data: Mapping[str, Any] | None = None,
    held_by: User | None = None,
    **values: Any,
) -> None:
    """Move `job` to `to`, setting `values` with it; `kind` names the event.

    With `held_by`, only if that person still holds the claim.
    """
    believed = JobState(job.state)
    _allowed(f"Job {job.pk}", believed, to, JOB_TRANSITIONS[believed], JOB_WORDS)
    with transaction.atomic(savepoint=False):
        rows = Job.objects.filter(pk=job.pk, state=believed)
        if held_by is not None:
            rows = rows.filter(claimed_by=held_by)
        moved = rows.update(state=to, **values)
        if moved:
            JobEvent.objects.create(
                job=job, run=run, kind=kind, by=by, at=now, data={"state": to, **(data or {})}
            )
    if not moved:
        raise StaleTransition(f"Job {job.pk}", JOB_WORDS[believed])
    job.state = to
    for name, value in values.items():
        setattr(job, name, value)


def move_run(
    run: Run,
    to: RunState,
    *,
    now: datetime,
    by: User | None = None,
    data: Mapping[str, Any] | None = None,
    **values: Any,
) -> None:
    """Move `run` to `to`, setting `values` with it; the event is called run_<state>."""
    believed = RunState(run.state)
    _allowed(f"Run {run.pk}", believed, to, RUN_TRANSITIONS[believed], RUN_WORDS)
    with transaction.atomic(savepoint=False):
        moved = Run.objects.filter(pk=run.pk, state=believed, token=run.token).update(
            state=to, **values
        )
        if moved:
            JobEvent.objects.create(
                job_id=run.job_id,
                run=run,
                kind=f"run_{to.lower()}",
                by=by,
                at=now,
                data=dict(data or {}),
            )
    if not moved:
        raise StaleTransition(f"Run {run.pk}", RUN_WORDS[believed])
    run.state = to
    for name, value in values.items():
        setattr(run, name, value)


def _allowed(
    what: str, believed: str, to: str, targets: frozenset[Any], said: Mapping[str, str]
) -> None:
    if to not in targets:
        raise Refusal(
            [
                Problem(
                    "no_such_transition",
                    f"{what} cannot go from “{said[believed]}” to “{said[to]}”.",
                    "Load the page again to see how it stands now.",
                )
            ]
        )
