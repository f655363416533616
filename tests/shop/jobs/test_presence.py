"""Somebody at an attended run says that they are there (F4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shop.jobs.attending import presence_due_at, waits_for_somebody
from shop.jobs.models import JobEvent, Run
from shop.jobs.planning import plan
from shop.jobs.presence import confirm_presence
from shop.jobs.states import RunState
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON

EVERY = timedelta(minutes=30)


def made(cast: Cast, state: RunState = RunState.RUNNING, **values: Any) -> Run:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())
    assert job.station is not None
    program = plan(job, job.station).plain
    values.setdefault("step", {"kind": "charge", "name": "balance", "index": 3})
    return factories.make_run(by=cast.tola, job=job, state=state, program=program, **values)


def test_an_attended_run_has_a_moment_by_which_somebody_must_be_there(cast: Cast) -> None:
    run = made(cast)
    assert presence_due_at(run) == NOON + EVERY

    act = confirm_presence(run=run, by=cast.bayo, now=NOON + timedelta(minutes=20))

    assert (act.kind, act.by) == ("presence", cast.bayo)
    assert presence_due_at(Run.objects.get(pk=run.pk)) == NOON + timedelta(minutes=50)
    assert JobEvent.objects.filter(run=run, kind="present", by=cast.bayo).exists()


def test_an_interrupted_run_waits_for_somebody_once_nobody_was_there_in_time(cast: Cast) -> None:
    run = made(cast, RunState.INTERRUPTED)
    late = NOON + EVERY + timedelta(seconds=1)
    assert not waits_for_somebody(run, NOON + EVERY)
    assert waits_for_somebody(run, late)

    confirm_presence(run=run, by=cast.tola, now=late)

    assert not waits_for_somebody(Run.objects.get(pk=run.pk), late)


def test_a_run_that_waits_for_a_persons_confirmation_anyway_goes_on_by_itself(cast: Cast) -> None:
    run = made(cast, RunState.INTERRUPTED, step={"kind": "instruct", "name": "connect", "index": 1})

    assert not waits_for_somebody(run, NOON + timedelta(hours=5))
    assert presence_due_at(run) is None


def test_nobody_has_to_stay_with_a_run_alone_or_one_that_is_over(cast: Cast) -> None:
    for run, words in (
        (made(cast, attended=False), "unattended: nobody has to"),
        (made(cast, RunState.STOPPED), "The run is over: stopped. Nobody has to"),
    ):
        with pytest.raises(Refusal, match=words):
            confirm_presence(run=run, by=cast.tola, now=NOON)


def test_a_stranger_is_not_at_the_bench(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        confirm_presence(run=made(cast), by=cast.stranger, now=NOON)
