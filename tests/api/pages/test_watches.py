"""A self-discharge watch on the pages of job, run and cell, and by REST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from shop import clock
from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.jobs.models import Run
from shop.shelf.second_checks import open_due
from tests import factories
from tests.api.clients import Api, text
from tests.cast import Cast
from tests.played import play_watch

LOST = (0.02, 0.015, 0.025, 0.10)


@pytest.fixture
def station(cast: Cast) -> Station:
    factories.make_policy(by=cast.sade)
    return factories.make_station(now=clock.now() - timedelta(days=5))


@pytest.fixture
def cells() -> list[Cell]:
    return factories.make_cells(4)


@pytest.fixture
def first(cast: Cast, station: Station, cells: list[Cell]) -> Run:
    """Four days ago."""
    began_at = clock.now() - timedelta(days=4)
    return play_watch(
        by=cast.tola, cells=cells, station=station, began_at=began_at, lost_month=LOST
    )


@pytest.fixture
def second(cast: Cast, station: Station, cells: list[Cell], first: Run) -> Run:
    began_at = clock.now() - timedelta(days=1)
    return play_watch(
        by=cast.tola, cells=cells, station=station, began_at=began_at, days=3.0, lost_month=LOST
    )


def test_the_plan_says_what_the_two_checks_are(
    cast: Cast, station: Station, cells: list[Cell], technician: Client
) -> None:
    recipe = factories.make_recipe_of("self_discharge", {}, by=cast.sade)
    job = factories.make_job(
        by=cast.tola, cells=cells, recipe_version=recipe, claimed_at=station, now=clock.now()
    )

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert "The first of two checks" in page
    assert "Start self-discharge check of 4 cells" in page
    assert "opens by itself" in page


def test_after_the_first_check_every_page_says_when_the_second_is_due(
    first: Run, cells: list[Cell], technician: Client
) -> None:
    for address in (f"/runs/{first.pk}", f"/jobs/{first.job_id}", f"/cells/{cells[0].serial}"):
        page = text(technician.get(address))
        assert "due" in page
        assert "yesterday" in page  # four days ago, and three
    assert "Steps of the program" not in text(technician.get(f"/jobs/{first.job_id}"))  # it is done


def test_the_second_job_shows_that_it_is_the_second(first: Run, technician: Client) -> None:
    (job,) = open_due(now=clock.now())
    job.station, job.claimed_by, job.claimed_at = first.station, first.started_by, clock.now()
    job.state = "CLAIMED"
    job.save(update_fields=["station", "claimed_by", "claimed_at", "state"])

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert "The second of two checks" in page
    assert "Second check of every cell" in page


def test_the_second_check_shows_what_each_cell_lost(
    second: Run, cells: list[Cell], technician: Client
) -> None:
    page = text(technician.get(f"/runs/{second.pk}"))

    assert "The group loses" in page
    assert "What each cell lost since the first check" in page
    assert "Leaks" in page
    assert f"{cells[3].serial[:4]}" in page
    leaking = text(technician.get(f"/cells/{cells[3].serial}"))
    assert "a month or more, its group 2.1 %" in leaking
    assert "It loses 2.1 % a month, its group 2.1 %" in text(
        technician.get(f"/cells/{cells[0].serial}")
    )


def test_rest_gives_the_same(first: Run, second: Run, tola: Api) -> None:
    one = tola.get(f"runs/{first.pk}").json()["watch"]
    other = tola.get(f"runs/{second.pk}").json()["watch"]

    assert (one["due_at"], one["cells"]) == (None, [])  # it was compared by now
    assert [cell["verdict"] for cell in other["cells"]] == ["PASS", "PASS", "PASS", "FAIL"]
    assert other["median_share_month"] == pytest.approx(0.02, abs=0.001)
    assert other["days"] == pytest.approx(3.0, abs=0.01)
    assert other["cells"][3]["against_median_v"] > 0.05
    assert tola.get(f"runs/{second.pk}").json()["checks"][0]["kind"] == "WATCH"


def test_rest_says_when_the_second_check_is_due(first: Run, tola: Api) -> None:
    watch = tola.get(f"runs/{first.pk}").json()["watch"]

    assert watch["due_at"] < clock.now().isoformat()
    assert watch["until"] > clock.now().isoformat()
