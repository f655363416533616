"""A run that is left alone begins at once and waits at its bench, everything joined (F6, F4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from shop.jobs import leasing, recipes
from shop.jobs.models import Job, Run
from shop.jobs.planning import plan
from shop.jobs.queries import before_its_moment
from shop.jobs.services.acts import confirm_step, request_stop
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.jobs.terms import Terms
from shop.refusals import Refusal
from stations.procedures.steps import Wait
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.jobs.nights import ready_for_a_night, waiting_alone

TEN_HOURS = timedelta(hours=10)
LATER = Terms(attended=False, not_before=NOON + TEN_HOURS, ready_by=NOON + timedelta(hours=18))


@pytest.fixture
def night(cast: Cast, settings: Settings) -> Job:
    return ready_for_a_night(cast, settings)


def test_it_is_taken_at_once_whatever_its_moment(night: Job, cast: Cast) -> None:
    run = start_run(job=night, by=cast.tola, now=NOON, terms=LATER)

    assert run.state == RunState.QUEUED
    assert not Run.objects.filter(before_its_moment(NOON), pk=run.pk).exists()
    assert leasing.take(run.pk) is not None


def test_its_program_waits_by_the_clock_of_its_bench(night: Job) -> None:
    """A bench whose clock is two days ahead waits as long as any other."""
    assert night.station is not None
    ahead = NOON + timedelta(days=2)

    planned = plan(night, night.station, attended=False, span=LATER.span(NOON, at=ahead))

    (wait,) = [step for step in planned.program.steps if isinstance(step, Wait)]
    assert wait.until == ahead + TEN_HOURS
    bare = plan(night, night.station, attended=False)
    added_s = planned.program.limits.duration_max_s - bare.program.limits.duration_max_s
    assert added_s == TEN_HOURS.total_seconds()
    assert planned.lasts == bare.lasts  # the wait is counted beside it


def test_who_stays_has_no_wait_in_the_program(night: Job) -> None:
    stays = Terms(not_before=NOON + TEN_HOURS)

    assert stays.span(NOON, at=NOON) is None
    assert stays.is_queued(NOON)
    assert not LATER.is_queued(NOON)


def test_certificates_must_hold_to_the_end_of_the_night_that_waits(night: Job, cast: Cast) -> None:
    assert night.station is not None
    meter = night.station.instruments.get(role="meter")
    factories.calibrate(meter, now=NOON, days=1)

    with pytest.raises(Refusal, match="is valid until"):
        start_run(job=night, by=cast.tola, now=NOON, terms=LATER)


def test_a_job_without_any_output_has_nothing_that_waits_alone(night: Job, cast: Cast) -> None:
    parameters = recipes.self_discharge.defaults()
    recipe = factories.make_recipe_of("self_discharge", parameters, by=cast.sade)
    job = factories.make_job(by=cast.tola, claimed_at=night.station, recipe_version=recipe)

    with pytest.raises(Refusal, match="nothing of it can wait for a moment alone"):
        start_run(job=job, by=cast.tola, now=NOON, terms=LATER)


def test_somebody_who_is_there_says_to_begin_now(cast: Cast) -> None:
    act = confirm_step(run=waiting_alone(cast, now=NOON), step="wait", by=cast.bayo, now=NOON)

    assert (act.kind, act.data) == ("confirm", {"step": "wait"})


def test_nobody_says_to_begin_before_everything_is_joined(cast: Cast) -> None:
    run = waiting_alone(cast, "joined", now=NOON)

    with pytest.raises(Refusal, match="cannot be confirmed now"):
        confirm_step(run=run, step="wait", by=cast.bayo, now=NOON)


def test_a_run_that_nobody_took_yet_is_cancelled_at_will(night: Job, cast: Cast) -> None:
    run = start_run(job=night, by=cast.tola, now=NOON, terms=LATER)

    request_stop(run=run, by=cast.bayo, now=NOON)

    run.refresh_from_db()
    night.refresh_from_db()
    assert (run.state, night.state) == (RunState.STOPPED, JobState.CLAIMED)
