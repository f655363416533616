"""B10: a series pre-charge by REST and on the pages: plan, hours, the BMS's setting, its end."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from shop import clock
from shop.jobs import recipes
from shop.jobs.models import Job, PersonAct, Run
from shop.jobs.states import RunState
from stations.plain import to_plain
from tests import factories
from tests.api.clients import Api, codes, text
from tests.cast import Cast
from tests.stations.procedures.test_series_precharge import made


def job_of(cast: Cast, *, bms: bool = True, cells: int = 4) -> Job:
    recipe = factories.make_recipe_of(
        "series_precharge", recipes.series_precharge.defaults(), by=cast.sade
    )
    return factories.make_job(
        by=cast.tola,
        cells=factories.make_cells(cells),
        recipe_version=recipe,
        claimed_at=factories.make_station(bms=bms, now=clock.now()),
        now=clock.now(),
    )


def asking(cast: Cast) -> Run:
    """A run that waits for its string, at a bench whose BMS has no wire."""
    plain: dict[str, Any] = to_plain(made(bms=False))
    place = {"index": 0, "name": "assemble", "title": plain["steps"][0]["title"]}
    return factories.make_run(
        by=cast.tola, state=RunState.RUNNING, program=plain, step=place, token=1
    )


def test_the_plan_says_volts_amps_and_that_it_is_no_balance(
    cast: Cast, tola: Api, technician: Client
) -> None:
    job = job_of(cast)

    facts = tola.get(f"jobs/{job.pk}").json()["plan"]["facts"]
    page = text(technician.get(f"/jobs/{job.pk}")).replace("\u202f", " ")

    assert (facts["string_v"], facts["current_a"]) == (14.6, 14.4)
    assert "Series pre-charge of 4 cells" in page
    assert "this is no balance" in page
    assert "The BMS is at hand" in page


def test_its_hours_are_told(cast: Cast, tola: Api, technician: Client) -> None:
    job = job_of(cast)

    hours = tola.get(f"jobs/{job.pk}/hours").json()["hours"]

    assert hours["low_h"] < hours["middle_h"] < hours["high_h"]
    page = text(technician.get(f"/jobs/{job.pk}/hours"))
    assert "until the first cell of the string is full" in page


def test_a_station_whose_meter_does_not_reach_the_string_is_refused_in_words(
    cast: Cast, technician: Client
) -> None:
    job = job_of(cast, bms=False)  # an ordinary bench: scanner, and the meter on its 10 V range

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert "use a station whose meter has the 100 V range" in page


def test_cells_that_no_supply_here_can_string_are_refused_in_words(
    cast: Cast, technician: Client
) -> None:
    job = job_of(cast, cells=5)

    assert "take 4, 8 or 16" in text(technician.get(f"/jobs/{job.pk}"))


@pytest.mark.parametrize("answer", [None, 3.75])
def test_a_bms_that_is_set_otherwise_is_not_confirmed(
    cast: Cast, tola: Api, answer: float | None
) -> None:
    run = asking(cast)

    said = tola.post(f"runs/{run.pk}/confirm", step="assemble", answer=answer)

    assert codes(said) == ["wrong_answer"]
    assert not PersonAct.objects.exists()


def test_the_setting_of_the_bms_is_asked_and_kept(
    cast: Cast, tola: Api, technician: Client
) -> None:
    run = asking(cast)
    page = technician.get(f"/runs/{run.pk}")
    asked = tola.get(f"runs/{run.pk}").json()["needs"]["asks"]

    technician.post(f"/runs/{run.pk}/confirm", {"step": "assemble", "answer": "3,65"})

    assert asked == "Cell over-voltage of the BMS, volts"
    assert asked in text(page)
    assert PersonAct.objects.get().data == {"step": "assemble", "answer": 3.65}
