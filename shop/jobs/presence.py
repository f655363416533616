"""Somebody says that they are at the bench of an attended run (F4)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.states import RUN_WORDS
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, refuse


def confirm_presence(*, run: Run, by: User, now: datetime) -> PersonAct:
    """Record that `by` is at the bench; the uplink forwards it, and the guardian counts anew.

    An interrupted run that waits for somebody goes on after it, where its rules let it.
    """
    require(by.role, Act.CONFIRM)
    run.refresh_from_db()
    refuse(_problems(run))
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        act = PersonAct.objects.create(run=run, kind="presence", by=by, at=now)
        JobEvent.objects.create(job_id=run.job_id, run=run, kind="present", by=by, at=now)
    return act


def _problems(run: Run) -> list[Problem]:
    if run.is_over:
        words = f"The run is over: {RUN_WORDS[run.state]}."
        return [Problem("run_over", words, "Nobody has to stay any more.")]
    if not run.attended:
        words = "This run was started unattended: nobody has to say that they are there."
        return [Problem("unattended", words, "Press STOP to end it.")]
    return []
