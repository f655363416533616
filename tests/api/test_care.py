"""B15, B18 over HTTP and on the pack's page: readings, what they ask for, taking apart."""

from __future__ import annotations

import pytest
from django.test import Client

from shop import clock
from shop.care.models import BalanceSkip, Disassembly, PackReading, Recovery
from shop.jobs import recipes
from shop.jobs.models import Job
from tests import factories
from tests.api.clients import Api, codes, logged_in, text
from tests.api.made import assembled
from tests.cast import Cast, the_cast


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    return the_cast()


@pytest.fixture
def serial(cast: Cast) -> str:
    return assembled(cast).serial


def reading() -> dict[str, object]:
    at = clock.now().isoformat()
    return {"cells_v": [3.45, 3.44, 3.35, 3.45], "at_top": True} | {
        "taken_at": at,
        "measured_by": "BMS app",
    }


def test_a_reading_is_recorded_once_and_shown_with_its_course(cast: Cast, serial: str) -> None:
    tola, asked = Api(logged_in(cast.tola)), reading()

    first, again = (tola.once("k-1", f"packs/{serial}/readings", **asked) for _ in range(2))

    assert (first.status_code, first.content) == (201, again.content)
    shown = tola.get(f"packs/{serial}").json()["care"]["readings"]
    assert [(row["course"], round(row["spread_v"], 3)) for row in shown] == [("HOLD", 0.1)]


def test_a_reading_that_cannot_be_is_refused_in_words(cast: Cast, serial: str) -> None:
    tola = Api(logged_in(cast.tola))

    answer = tola.post(f"packs/{serial}/readings", **reading() | {"cells_v": [3.45, 3441]})

    assert codes(answer) == ["cell_count", "impossible_voltage"]
    assert tola.post("packs/NONE/readings", **reading()).status_code == 404
    assert not PackReading.objects.exists()


def test_a_supervisor_takes_a_pack_apart_and_its_jobs_open(cast: Cast, serial: str) -> None:
    recipe = factories.make_capacity_recipe(by=cast.sade)
    asked = {"words": "Severe imbalance.", "capacity_recipe": recipe.pk}

    assert Api(logged_in(cast.tola)).post(f"packs/{serial}/apart", **asked).status_code == 403
    sade = Api(logged_in(cast.sade))
    assert sade.post(f"packs/{serial}/apart", **asked | {"capacity_recipe": 99999}).status_code == (
        404
    )
    answer = sade.post(f"packs/{serial}/apart", **asked)

    assert (answer.status_code, len(answer.json()["jobs"])) == (201, 4)
    assert sade.get(f"packs/{serial}").json()["care"]["apart_at"]
    assert codes(sade.post(f"packs/{serial}/apart", **asked)) == ["taken_apart"]


def test_a_balance_is_skipped_on_a_full_capacity(cast: Cast, serial: str) -> None:
    sade = Api(logged_in(cast.sade))
    asked = {"tested_at": clock.now().isoformat(), "measured_by": "Load L-1"}

    assert codes(sade.post(f"packs/{serial}/skips", capacity_ah=12.0, **asked)) == ["below_rating"]
    answer = sade.post(f"packs/{serial}/skips", capacity_ah=204.0, **asked)

    assert (answer.status_code, answer.json()["rated_ah"]) == (201, 200.0)


def test_the_page_takes_what_people_type(cast: Cast, serial: str, technician: Client) -> None:
    """Commas, one voltage a line; a slip is named and what was typed stays."""
    at = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
    sent = {"cells": "3,45\n3,44\n3.41\nx", "at_top": "on", "taken_at": at, "measured_by": "Meter"}

    page = text(technician.post(f"/packs/{serial}/readings", sent))
    assert "'x' is not a voltage" in page
    assert "3,44" in page
    technician.post(f"/packs/{serial}/readings", sent | {"cells": "3,45\n3,44\n3.41\n3.44"})

    assert PackReading.objects.get().cells_v == [3.45, 3.44, 3.41, 3.44]
    assert "to be watched" in text(technician.get(f"/packs/{serial}"))


def test_the_page_takes_apart_and_skips(cast: Cast, serial: str, supervisor: Client) -> None:
    at = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
    skip = {"capacity_ah": "203,5", "tested_at": at, "measured_by": "Load"}

    supervisor.post(f"/packs/{serial}/skip", skip)
    supervisor.post(f"/packs/{serial}/apart", {"words": "Recalled."})

    assert BalanceSkip.objects.get().capacity_ah == 203.5
    assert Disassembly.objects.get().words == "Recalled."
    page = text(supervisor.get(f"/packs/{serial}"))
    assert "Taken apart" in page
    assert "Record a reading" not in page


def mild(cast: Cast, serial: str) -> tuple[int, int]:
    """A reading that asks for a hold, and the recipe of one."""
    answer = Api(logged_in(cast.tola)).post(f"packs/{serial}/readings", **reading())
    numbers = recipes.pack_recovery.defaults()
    recipe = factories.make_recipe_of("pack_recovery", numbers, by=cast.sade)
    return answer.json()["id"], recipe.pk


def test_a_recovery_is_opened_once_for_a_reading_of_its_own_pack(cast: Cast, serial: str) -> None:
    """B14."""
    told, recipe = mild(cast, serial)
    tola, asked = Api(logged_in(cast.tola)), {"reading": told, "recipe": recipe}

    assert tola.post("packs/P-9/recoveries", **asked).status_code == 404
    missing = tola.post(f"packs/{serial}/recoveries", **asked | {"reading": told + 1})
    assert missing.status_code == 404
    answer = tola.post(f"packs/{serial}/recoveries", **asked)
    assert (answer.status_code, answer.json()["course"]) == (201, "HOLD")
    assert codes(tola.post(f"packs/{serial}/recoveries", **asked)) == ["no_hold_asked"]
    assert Job.objects.filter(pack__serial=serial).count() == 1


def test_a_pack_whose_hold_was_cancelled_is_not_said_to_be_held(
    cast: Cast, serial: str, technician: Client
) -> None:
    told, recipe = mild(cast, serial)
    technician.post(f"/packs/{serial}/recover", {"reading": told, "recipe": recipe})
    job = Job.objects.get(pack__serial=serial)
    assert f"Held by job {job.pk}" in text(technician.get(f"/packs/{serial}"))

    technician.post(f"/jobs/{job.pk}/cancel", {"words": "The customer needs it."})

    page = text(technician.get(f"/packs/{serial}"))
    assert f"Held by job {job.pk}" not in page
    assert f"Job {job.pk} was to hold it and was cancelled: read its cells again" in page


@pytest.mark.parametrize("act", ["readings", "recoveries", "skips", "apart"])
def test_nobody_without_an_account_or_the_role_for_it_does_anything_to_a_pack(
    cast: Cast, serial: str, act: str
) -> None:
    told, recipe = mild(cast, serial)
    sent = reading() | {"reading": told, "recipe": recipe, "words": "Recalled."}
    sent |= {"capacity_ah": 204.0, "tested_at": clock.now().isoformat()}
    asked = [Client()] + ([logged_in(cast.tola)] if act in ("skips", "apart") else [])

    for who in asked:
        assert Api(who).post(f"packs/{serial}/{act}", **sent).status_code in (401, 403)
    assert Api(Client()).get("service").status_code in (401, 403)
    assert PackReading.objects.count() == 1
    assert not Recovery.objects.exists()
    assert not Disassembly.objects.exists()
    assert not BalanceSkip.objects.exists()


@pytest.mark.parametrize("months", ["-3", "99999", "1201", "two"])
def test_months_that_cannot_be_are_refused_on_the_page(
    cast: Cast, serial: str, technician: Client, months: str
) -> None:
    at = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
    sent = {"cells": "3,45\n3,44\n3.41\n3.44", "taken_at": at, "measured_by": "Meter"}

    page = text(technician.post(f"/packs/{serial}/readings", sent | {"months": months}))

    assert "Give whole months, at most 1200" in page
    assert not PackReading.objects.exists()


def test_a_pack_with_cells_in_parallel_is_planned_by_its_places(cast: Cast) -> None:
    """B14: 4S2P, each place of 400 Ah."""
    pack = assembled(cast, parallel=2)
    told, recipe = mild(cast, pack.serial)
    client = logged_in(cast.tola)
    tola, station = Api(client), factories.make_station(bms=True, load=True, now=clock.now())

    answer = tola.post(f"packs/{pack.serial}/recoveries", reading=told, recipe=recipe)
    job = Job.objects.get(pack=pack)
    claimed = tola.post(f"jobs/{job.pk}/claim", station=station.slug)

    assert (answer.status_code, claimed.status_code, job.cells.count()) == (201, 200, 8)
    facts = tola.get(f"jobs/{job.pk}").json()["plan"]["facts"]
    assert facts["cell_ah"] == 400.0
    assert facts["cycle_a"] == pytest.approx(0.2 * 400.0, rel=0.2)
    plan_page = text(client.get(f"/jobs/{job.pk}"))
    assert "At each of its 4 places 2 cells stand in parallel" in plan_page
    assert "one of 400 Ah" in plan_page.replace("\u202f", " ").replace("\u00a0", " ")
    assert "Places, volts" in text(client.get(f"/packs/{pack.serial}"))
