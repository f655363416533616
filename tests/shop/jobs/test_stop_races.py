"""A stop at the very moment of a start: the run is over, or its worker is told; never lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shop.equipment.models import StationLease
from shop.jobs.leasing import take
from shop.jobs.models import Job, JobEvent, Run
from shop.jobs.services.acts import request_stop
from shop.jobs.services.orders import release_job
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast, the_cast
from tests.factories import NOON
from tests.race import race
from tests.shop.turns import between

ROUNDS = 25


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return the_cast()


def queued(cast: Cast) -> Run:
    return factories.make_run(by=cast.tola, now=NOON)


def stop(run: Run, cast: Cast) -> Run:
    return request_stop(run=Run.objects.get(pk=run.pk), by=cast.bayo, now=NOON)


def holds(run: Run) -> bool:
    return StationLease.objects.filter(station=run.station, owner__isnull=False).exists()


def test_a_stop_and_a_worker_at_once_leave_no_run_that_goes_on_unasked(cast: Cast) -> None:
    runs = [queued(cast) for _ in range(ROUNDS)]

    race([lambda n: take(runs[n].pk), lambda n: stop(runs[n], cast)], rounds=ROUNDS)

    for run in runs:
        run.refresh_from_db()
        over = run.state == RunState.STOPPED and not holds(run)
        told = run.state == RunState.LEASED and run.stop_requested_at is not None and holds(run)
        assert over or told, (run.state, run.stop_requested_at)


def test_a_stop_that_waits_for_the_worker_reaches_it(cast: Cast) -> None:
    run = queued(cast)

    stopped = between(lambda: take(run.pk), lambda: stop(run, cast))

    assert (stopped.state, stopped.stop_requested_by) == (RunState.LEASED, cast.bayo)


def test_a_worker_that_waits_for_a_stop_takes_nothing(cast: Cast) -> None:
    run = queued(cast)

    assert between(lambda: stop(run, cast), lambda: take(run.pk)) is None
    assert not holds(run)


def test_a_start_and_a_release_at_once_are_one_of_both(cast: Cast) -> None:
    """Nobody cancels what another has started: the claim is a compare-and-set."""
    factories.make_policy(by=cast.sade)
    jobs = [
        factories.make_job(by=cast.tola, claimed_at=factories.make_station()) for _ in range(ROUNDS)
    ]

    def starts(number: int) -> bool:
        job = Job.objects.select_related("station").get(pk=jobs[number].pk)
        return _done(lambda: start_run(job=job, by=cast.tola, now=NOON))

    def releases(number: int) -> bool:
        job = Job.objects.get(pk=jobs[number].pk)
        return _done(lambda: release_job(job=job, by=cast.sade, now=NOON))

    outcomes = race([starts, releases], rounds=ROUNDS)

    for job, (started, released) in zip(jobs, outcomes, strict=True):
        job.refresh_from_db()
        assert started is not released
        assert job.state == (JobState.IN_PROGRESS if started else JobState.OPEN)
        assert job.runs.count() == int(started)
    assert JobEvent.objects.filter(kind__in=["started", "released"]).count() == ROUNDS


def _done(act: Callable[[], object]) -> bool:
    try:
        act()
    except Refusal:
        return False
    return True
