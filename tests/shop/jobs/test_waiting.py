"""A run that somebody comes for at its moment: queued, reserved, cancelled at will (F6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis

from shop import clock
from shop.jobs import leasing, reaper
from shop.jobs.models import Job, Run
from shop.jobs.services.acts import request_stop
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.jobs.terms import Terms
from shop.refusals import Refusal, StaleTransition
from tests import factories
from tests.cast import Cast

HOUR = timedelta(hours=1)


@pytest.fixture
def job(cast: Cast) -> Job:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(now=clock.now())
    return factories.make_job(by=cast.tola, claimed_at=station, now=clock.now())


def waiting(job: Job, cast: Cast, wait: timedelta = HOUR) -> Run:
    now = clock.now()
    return start_run(job=job, by=cast.tola, now=now, terms=Terms(not_before=now + wait))


def test_a_waiting_run_is_queued_and_nobody_takes_it_before_its_moment(
    job: Job, cast: Cast
) -> None:
    run = waiting(job, cast)

    assert run.state == RunState.QUEUED
    assert leasing.take(run.pk) is None  # whatever message comes
    Run.objects.filter(pk=run.pk).update(not_before=clock.now())
    assert leasing.take(run.pk) is not None


def test_beat_sends_a_run_once_its_moment_has_come(
    job: Job, cast: Cast, redis_client: redis.Redis
) -> None:
    queue = f"station.{waiting(job, cast).station.slug}"

    reaper.resend_queued(now=clock.now())
    assert redis_client.llen(queue) == 0
    reaper.resend_queued(now=clock.now() + HOUR)

    assert redis_client.llen(queue) == 1


def test_while_it_waits_claim_and_station_stay_its_own(job: Job, cast: Cast) -> None:
    waiting(job, cast, timedelta(hours=20))

    reaper.lapse_claims(now=clock.now() + timedelta(hours=19))

    job.refresh_from_db()
    assert job.state == JobState.IN_PROGRESS
    other = factories.make_job(by=cast.tola, claimed_at=job.station, now=clock.now())
    with pytest.raises((Refusal, StaleTransition)):
        start_run(job=other, by=cast.tola, now=clock.now())


def test_a_waiting_run_is_cancelled_at_will_and_the_job_is_back_with_its_holder(
    job: Job, cast: Cast
) -> None:
    run = waiting(job, cast)

    request_stop(run=run, by=cast.bayo, now=clock.now())

    run.refresh_from_db()
    job.refresh_from_db()
    assert (run.state, job.state) == (RunState.STOPPED, JobState.CLAIMED)


@pytest.mark.parametrize(
    ("wait", "words"), [(-HOUR, "has passed"), (timedelta(days=8), "more than 7 days away")]
)
def test_a_moment_that_has_passed_or_was_mistyped_is_refused(
    job: Job, cast: Cast, wait: timedelta, words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        waiting(job, cast, wait)


def test_a_certificate_must_hold_to_the_end_of_a_run_that_waits(job: Job, cast: Cast) -> None:
    assert job.station is not None
    meter = job.station.instruments.get(role="meter")
    factories.calibrate(meter, now=clock.now(), days=4)
    waiting_long = timedelta(days=3, hours=23)

    with pytest.raises(Refusal, match="is valid until"):
        waiting(job, cast, waiting_long)
