"""B10: a pre-charge of cells that nobody sees by REST and on the pages: its words, its terms."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from shop import clock
from shop.jobs import recipes
from shop.jobs.models import Job, RecipeVersion, Run
from shop.jobs.services.orders import create_job
from shop.jobs.states import RunState
from stations.plain import to_plain
from tests import factories
from tests.api.clients import Api, codes, text
from tests.cast import Cast
from tests.stations.procedures.test_unseen_precharge import made


def recipe_of(cast: Cast, **parameters: Any) -> RecipeVersion:
    stored = recipes.unseen_precharge.defaults() | parameters
    return factories.make_recipe_of("series_precharge_unseen", stored, by=cast.sade)


def job_of(cast: Cast, bms: bool = False, unseen: bool = False) -> Job:
    return factories.make_job(
        by=cast.tola,
        cells=factories.make_cells(4),
        recipe_version=recipe_of(cast),
        claimed_at=factories.make_station(bms=bms, unseen=unseen, now=clock.now()),
        now=clock.now(),
    )


def test_the_plan_says_in_a_sentence_that_nobody_sees_the_cells(
    cast: Cast, tola: Api, technician: Client
) -> None:
    job = job_of(cast, unseen=True)

    plan = tola.get(f"jobs/{job.pk}").json()["plan"]
    page = text(technician.get(f"/jobs/{job.pk}")).replace("\u202f", " ")

    sentence = (
        "No cell of this string can be seen: its BMS alone protects them, and somebody must be "
        "there and confirm it in time, every 15 min, or the output goes off."
    )
    assert sentence in page
    assert plan["unseen"] == sentence
    assert "this is no balance" in page


def test_its_hours_are_told(cast: Cast, tola: Api) -> None:
    hours = tola.get(f"jobs/{job_of(cast, unseen=True).pk}/hours").json()["hours"]

    assert hours["low_h"] < hours["middle_h"] < hours["high_h"]


def test_it_is_not_started_alone(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    job = job_of(cast, unseen=True)

    said = tola.post(f"jobs/{job.pk}/start", confirmed=True, attended=False)

    assert "attended_recipe" in codes(said)
    assert not Run.objects.exists()


def test_a_bench_that_sees_the_cells_is_for_the_other_pre_charge(
    cast: Cast, technician: Client
) -> None:
    page = text(technician.get(f"/jobs/{job_of(cast, bms=True).pk}"))

    assert "this bench shows each of the 4 cells" in page


def test_a_station_without_eyes_may_claim_it_and_not_the_other(cast: Cast, tola: Api) -> None:
    station = factories.make_station(unseen=True, now=clock.now())
    seen = factories.make_recipe_of(
        "series_precharge", recipes.series_precharge.defaults(), by=cast.sade
    )
    jobs = [
        create_job(
            recipe_version=version,
            cells=factories.make_cells(4),
            by=cast.tola,
            now=clock.now(),
        )
        for version in (recipe_of(cast), seen)
    ]

    mine, other = (tola.post(f"jobs/{job.pk}/claim", station=station.slug) for job in jobs)

    assert mine.status_code == 200
    assert codes(other) == ["station_cannot"]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.FINISHED])
def test_a_run_says_that_its_cells_were_not_observable(
    cast: Cast, tola: Api, technician: Client, state: RunState
) -> None:
    plain: dict[str, Any] = to_plain(made())
    place = {"index": 2, "name": "precharge", "title": plain["steps"][2]["title"]}
    job = job_of(cast, unseen=True)
    run = factories.make_run(by=cast.tola, job=job, state=state, program=plain, step=place, token=1)

    told = tola.get(f"runs/{run.pk}").json()
    page = text(technician.get(f"/runs/{run.pk}"))

    assert (told["cells_unseen"], told["checks"]) == (True, [])
    assert "Not observable" in page
    assert "Nothing on this bench shows the cells of the string" in page
