"""`stations`: what each does, in as many queries for many as for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from shop import clock
from shop.jobs.states import RunState
from tests import factories
from tests.api.clients import Api
from tests.cast import Cast


def test_says_what_runs_and_whether_a_station_is_heard(cast: Cast, tola: Api) -> None:
    now = clock.now()
    heard = factories.make_station(slug="heard", now=now)
    factories.make_station(slug="silent", now=now - timedelta(minutes=5))
    run = factories.make_run(by=cast.tola, station=heard, state=RunState.RUNNING, token=1)

    first, second = tola.get("stations").json()["stations"]

    assert (first["slug"], first["online"], first["output"]) == ("heard", True, "OFF")
    assert first["run"] == {"id": run.pk, "state": "RUNNING", "step": ""}
    assert (second["online"], second["run"]) == (False, None)


@pytest.mark.parametrize("number", [1, 6])
def test_takes_the_same_queries_for_any_number_of_stations(
    cast: Cast, tola: Api, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(number):
        factories.make_run(by=cast.tola, state=RunState.RUNNING, token=1)

    with django_assert_num_queries(5):  # session, user, stations, runs, acts
        tola.get("stations")
