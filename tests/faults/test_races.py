"""Fifty people take one job at the same moment, through the API (F2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from shop.equipment.models import Station
from shop.jobs.models import Job, JobEvent
from shop.jobs.states import JobState
from tests import factories
from tests.api.clients import Api, codes, logged_in
from tests.cast import the_cast
from tests.faults.matrix import Trial
from tests.race import race

PEOPLE = 50


def claims(api: Api, jobs: list[Job], station: Station, number: int) -> tuple[int, str]:
    """Status, and the code of a refusal."""
    answer = api.post(f"jobs/{jobs[number].pk}/claim", station=station.slug)
    return answer.status_code, "" if answer.status_code == 200 else codes(answer)[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.fault("14", "50 claims of one job at once, by the API", trials=1)
def test_of_fifty_claims_at_once_one_wins(trial: Trial, request: pytest.FixtureRequest) -> None:
    trial.times = 20 if request.config.getoption("all_trials") else 4
    cast, station = the_cast(), factories.make_station()
    cells, recipe = factories.make_cells(2), factories.make_recipe_version(by=cast.sade)
    jobs = [
        factories.make_job(by=cast.sade, cells=cells, recipe_version=recipe)
        for _ in range(trial.times)
    ]
    people = [Api(logged_in((cast.tola, cast.bayo)[n % 2])) for n in range(PEOPLE)]
    contenders: list[Callable[[int], tuple[int, str]]] = [
        partial(claims, api, jobs, station) for api in people
    ]

    rounds = race(contenders, rounds=len(jobs))

    # Some had looked before the winner wrote: only then it was a race.
    trial.happened(any(code == "stale" for told in rounds for _, code in told))
    for told in rounds:
        assert sorted(status for status, _ in told) == [200] + [409] * (PEOPLE - 1)
    assert JobEvent.objects.filter(kind="claimed").count() == len(jobs)
    assert {job.state for job in Job.objects.all()} == {JobState.CLAIMED}
