"""A page takes the same number of queries for many rows as for few."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shop import clock
from tests import factories
from tests.api.made import approved, balanced
from tests.cast import Cast


def more(cast: Cast) -> None:
    """One more of everything that a list may show."""
    now = clock.now()
    factories.make_station(now=now)
    factories.make_job(by=cast.tola)
    factories.make_job(by=cast.tola, claimed_at=factories.make_station(now=now))
    factories.make_run(by=cast.tola, station=factories.make_station(now=now), now=now)
    balanced(cast)
    approved(cast)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/board/stations",
        "/approvals",
        "/shelf",
        "/api/v1/shelf",
        "/packs/new",
        "/jobs/new",
        "/jobs/{open}",
        "/stations",
        "/stations/{station}",
        "/batches/{batch}",
        "/api/v1/jobs",
        "/api/v1/stations",
        "/api/v1/stations/{station}/instruments",
        "/api/v1/instruments",
        "/api/v1/recipes",
        "/api/v1/approvals",
    ],
)
def test_a_list_takes_no_query_per_row(cast: Cast, supervisor: Client, path: str) -> None:
    job = factories.make_job(by=cast.tola)
    batch = factories.make_batch()
    factories.make_cells(2, batch=batch)
    more(cast)
    station = factories.make_station(now=clock.now())
    address = path.format(open=job.pk, batch=batch.code, station=station.slug)
    supervisor.get(address)  # what is read once in a process

    with CaptureQueriesContext(
        connection,
    ) as few:
        assert supervisor.get(address).status_code == 200
    for _ in range(2):
        more(cast)
    factories.make_cells(3, batch=batch)
    with CaptureQueriesContext(connection) as many:
        assert supervisor.get(address).status_code == 200

    assert len(many) == len(few), [query["sql"][:200] for query in many.captured_queries]
