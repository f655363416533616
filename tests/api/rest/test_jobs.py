"""`jobs`: create, claim, release and start, each with its refusals (F2, B4)."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from shop import clock
from shop.equipment.models import StationLease
from shop.equipment.states import OutputState
from shop.jobs.models import Job, Run
from shop.jobs.states import JobState
from tests import factories
from tests.api.clients import Api, codes, logged_in
from tests.cast import Cast


@pytest.fixture
def claimed(cast: Cast) -> Job:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(now=clock.now())
    return factories.make_job(by=cast.tola, claimed_at=station)


def test_creates_a_job_for_cells_in_bank_order(cast: Cast, tola: Api) -> None:
    version = factories.make_recipe_version(by=cast.sade)
    serials = [cell.serial for cell in factories.make_cells(3)][::-1]

    answer = tola.post("jobs", recipe_version=version.pk, cells=serials)

    assert answer.status_code == 201
    assert answer.json()["state"] == "OPEN"
    assert [cell["serial"] for cell in answer.json()["cells"]] == serials


def test_an_unknown_serial_is_404_by_its_name_and_writes_nothing(cast: Cast, tola: Api) -> None:
    version = factories.make_recipe_version(by=cast.sade)

    answer = tola.post("jobs", recipe_version=version.pk, cells=["NO-SUCH-CELL"])

    assert (answer.status_code, codes(answer)) == (404, ["unknown_serial"])
    assert "NO-SUCH-CELL" in answer.json()["problems"][0]["words"]
    assert not Job.objects.exists()


def test_one_cell_scanned_twice_is_refused_and_writes_nothing(cast: Cast, tola: Api) -> None:
    version = factories.make_recipe_version(by=cast.sade)
    serial = factories.make_cells(1)[0].serial

    answer = tola.post("jobs", recipe_version=version.pk, cells=[serial, serial])

    assert (answer.status_code, codes(answer)) == (409, ["cell_twice"])
    assert not Job.objects.exists()


def test_a_job_without_cells_is_malformed(tola: Api) -> None:
    answer = tola.post("jobs", recipe_version=1, cells=[])

    assert (answer.status_code, codes(answer)) == (400, ["malformed"])


def test_an_unknown_recipe_is_404(tola: Api) -> None:
    assert tola.post("jobs", recipe_version=999, cells=["C1"]).status_code == 404


def test_lists_recipes(cast: Cast, tola: Api) -> None:
    version = factories.make_recipe_version(by=cast.sade)

    listed = tola.get("recipes").json()["recipes"]

    assert [recipe["id"] for recipe in listed] == [version.pk]


def test_the_list_takes_as_many_queries_for_many_jobs_as_for_one(
    cast: Cast, tola: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        factories.make_job(by=cast.tola)

    # session, user, jobs, their cells, cells, runs, why they were cancelled
    with django_assert_num_queries(7):
        answer = tola.get("jobs")

    assert len(answer.json()["jobs"]) == 5


def test_claims_an_open_job_at_a_station(cast: Cast, tola: Api) -> None:
    job, station = factories.make_job(by=cast.tola), factories.make_station()

    answer = tola.post(f"jobs/{job.pk}/claim", station=station.slug)

    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["claimed_by"], body["station"]) == ("CLAIMED", "tola", station.slug)


def test_a_job_that_is_claimed_cannot_be_claimed_again(claimed: Job, sade: Api) -> None:
    other = factories.make_station()

    answer = sade.post(f"jobs/{claimed.pk}/claim", station=other.slug)

    assert (answer.status_code, codes(answer)) == (409, ["job_not_open"])


def test_a_claim_at_an_unknown_station_is_404(cast: Cast, tola: Api) -> None:
    job = factories.make_job(by=cast.tola)

    assert tola.post(f"jobs/{job.pk}/claim", station="nowhere").status_code == 404


def test_the_holder_releases_a_claim_and_another_technician_cannot(
    cast: Cast, claimed: Job, tola: Api
) -> None:
    refused = Api(logged_in(cast.bayo)).post(f"jobs/{claimed.pk}/release")
    released = tola.post(f"jobs/{claimed.pk}/release")

    assert (refused.status_code, codes(refused)) == (409, ["not_the_holder"])
    assert released.json()["state"] == "OPEN"


def test_the_holder_cancels_a_job_with_a_reason(claimed: Job, tola: Api) -> None:
    mute = tola.post(f"jobs/{claimed.pk}/cancel", words=" ")
    cancelled = tola.post(f"jobs/{claimed.pk}/cancel", words="The wrong cells were scanned.")
    again = tola.post(f"jobs/{claimed.pk}/cancel", words="Once more.")

    assert (mute.status_code, codes(mute)) == (409, ["reason"])
    shown = tola.get(f"jobs/{claimed.pk}").json()
    (listed,) = tola.get("jobs").json()["jobs"]
    assert (shown["state"], cancelled.json()["state"]) == ("CANCELLED", "CANCELLED")
    told = shown["cancelled"]
    assert (told["by"], told["words"]) == ("tola", "The wrong cells were scanned.")
    assert told["at"] >= shown["created_at"]
    assert told == cancelled.json()["cancelled"] == listed["cancelled"]
    assert (again.status_code, codes(again)) == (409, ["job_not_waiting"])


def test_shows_the_plan_with_the_amps_of_both_bases(claimed: Job, tola: Api) -> None:
    """B2: 4 x 200 Ah, before the start."""
    facts = tola.get(f"jobs/{claimed.pk}").json()["plan"]["facts"]

    assert facts["tail_done_bank_a"] == pytest.approx(1.0)
    assert facts["tail_done_cell_a"] == pytest.approx(0.25)


def test_starts_a_claimed_job(claimed: Job, tola: Api) -> None:
    answer = tola.post(f"jobs/{claimed.pk}/start", confirmed=True)

    assert answer.status_code == 201
    assert (answer.json()["state"], answer.json()["job"]) == ("QUEUED", claimed.pk)
    claimed.refresh_from_db()
    assert claimed.state == JobState.IN_PROGRESS


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [({"confirmed": False}, 409, "set_up"), ({}, 400, "malformed")],
)
def test_does_not_start_without_the_set_up_confirmed(
    claimed: Job, tola: Api, body: dict[str, bool], status: int, code: str
) -> None:
    answer = tola.post(f"jobs/{claimed.pk}/start", **body)

    assert (answer.status_code, codes(answer)) == (status, [code])
    assert not Run.objects.exists()


def test_does_not_start_for_somebody_else(claimed: Job, sade: Api) -> None:
    answer = sade.post(f"jobs/{claimed.pk}/start", confirmed=True)

    assert (answer.status_code, codes(answer)) == (409, ["not_the_holder"])


def test_does_not_start_while_the_output_is_unknown(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(output=OutputState.UNKNOWN, now=clock.now())
    job = factories.make_job(by=cast.tola, claimed_at=station)

    answer = tola.post(f"jobs/{job.pk}/start", confirmed=True)

    assert (answer.status_code, codes(answer)) == (409, ["output_not_off"])


@pytest.mark.parametrize("act", ["claim", "release", "cancel", "start"])
def test_an_act_on_an_unknown_job_is_404(tola: Api, act: str) -> None:
    station = factories.make_station()

    answer = tola.post(f"jobs/999/{act}", station=station.slug, confirmed=True, words="x")

    assert (answer.status_code, codes(answer)) == (404, ["unknown"])


def test_hours_are_an_interval_with_alternatives(claimed: Job, tola: Api) -> None:
    shape = tola.get(f"jobs/{claimed.pk}/hours?rested_v=3.20").json()

    assert 0 < shape["hours"]["low_h"] < shape["hours"]["middle_h"] < shape["hours"]["high_h"]
    assert shape["rested_v"] == 3.2
    assert (shape["finishes"], shape["stops"], shape["is_night"]) == (True, "", False)
    assert all(set(other) == {"words", "hours"} for other in shape["alternatives"])
    assert [visit["titles"][0] for visit in shape["visits"]] == [
        "Join the cells and connect the supply",
        "The bank is done: be at the bench to finish",
    ]
    assert [surge["verdict"] for surge in shape["surges"]][-1] == "fail"


def test_says_every_reason_against_a_start(cast: Cast, claimed: Job, tola: Api) -> None:
    """F5: a plan that is refused, and a station that nobody may drive now."""
    feasible = tola.get(f"jobs/{claimed.pk}").json()["in_the_way"]
    assert claimed.station is not None
    claimed.station.instruments.filter(role="supply").update(driver="charger_xl")
    StationLease.objects.filter(station=claimed.station).update(output_state=OutputState.UNKNOWN)

    reasons = tola.get(f"jobs/{claimed.pk}").json()["in_the_way"]

    assert feasible == []
    assert [reason["code"] for reason in reasons] == ["unknown_driver", "output_not_off"]
    assert all(reason["words"] for reason in reasons)


def test_hours_without_a_station_and_of_no_volts_are_refused(cast: Cast, tola: Api) -> None:
    nowhere = factories.make_job(by=cast.tola)

    assert codes(tola.get(f"jobs/{nowhere.pk}/hours")) == ["not_claimed"]


def test_hours_of_volts_that_are_none_are_refused(claimed: Job, tola: Api) -> None:
    assert codes(tola.get(f"jobs/{claimed.pk}/hours?rested_v=nan")) == ["rested_v"]
