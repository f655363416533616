"""What people do to a run under way, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from shop.jobs.models import JobEvent, PersonAct, Run, RunCell
from shop.jobs.moves import move_job, move_run
from shop.jobs.rules import acting
from shop.jobs.states import JobState, RunState
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import StaleTransition, refuse


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
        acting.confirm_problems(state=run.state, step=step, steps=steps, index=index, answer=answer)
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
