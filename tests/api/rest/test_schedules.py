"""Start later, be ready by a time, and say that you are there: REST and pages (F4, F6)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from api.pages.set_ups import SET_UP
from shop import clock
from shop.jobs.models import Job, PersonAct, Run
from shop.jobs.planning import plan
from shop.jobs.states import RunState
from tests import factories
from tests.api.clients import Api, codes, text
from tests.cast import Cast

TICKED = [str(number) for number in range(1, len(SET_UP) + 1)]


@pytest.fixture
def claimed(cast: Cast) -> Job:
    factories.make_policy(by=cast.sade)
    return factories.make_job(by=cast.tola, claimed_at=factories.make_station(now=clock.now()))


def ready_by(hours: float) -> str:
    return (clock.now() + timedelta(hours=hours)).isoformat()


def test_ready_by_gives_the_start_and_who_is_there_when(claimed: Job, tola: Api) -> None:
    asked = {"ready_by": ready_by(40), "attended": "false", "rested_v": "3.36"}
    answer = tola.client.get(f"/api/v1/jobs/{claimed.pk}/schedule", asked)

    plan = answer.json()
    first, last = plan["calls"]
    assert first["earliest"] < first["latest"] == plan["begin_at"] < plan["drives_at"]
    assert last["latest"] == plan["ready_by"]
    assert plan["attention_s"] == 900.0
    assert plan["held"] is True


def test_a_run_starts_so_that_it_is_ready_by_a_time(claimed: Job, tola: Api) -> None:
    answer = tola.post(
        f"jobs/{claimed.pk}/start", confirmed=True, ready_by=ready_by(40), rested_v=3.36
    )

    run = answer.json()
    assert (answer.status_code, run["state"], run["attended"]) == (201, "QUEUED", True)
    begins = datetime.fromisoformat(run["not_before"])
    assert clock.now() < begins < datetime.fromisoformat(run["ready_by"])


def test_a_moment_that_cannot_be_met_is_refused_with_the_soonest(claimed: Job, tola: Api) -> None:
    answer = tola.post(f"jobs/{claimed.pk}/start", confirmed=True, ready_by=ready_by(0.5))

    assert (answer.status_code, codes(answer)) == (409, ["too_late"])
    assert "Begun now it is ready by" in answer.json()["problems"][0]["fix"]


def test_a_run_alone_is_refused_with_every_reason(claimed: Job, tola: Api) -> None:
    answer = tola.post(f"jobs/{claimed.pk}/start", confirmed=True, attended=False)

    assert answer.status_code == 409
    assert {"no_watchdog", "no_temperature", "cutoff", "alert_path"} <= set(codes(answer))


def test_a_page_starts_later_in_the_readers_own_zone(claimed: Job, technician: Client) -> None:
    begins = (clock.now() + timedelta(hours=5)).replace(microsecond=0, tzinfo=None, second=0)
    form = {"set_up": TICKED, "not_before": begins.isoformat(timespec="minutes"), "zone": "-60"}

    answer = technician.post(f"/jobs/{claimed.pk}/start", form)

    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}"
    assert run.not_before is not None
    assert run.not_before.replace(tzinfo=None) == begins - timedelta(hours=1)
    assert "It begins" in text(technician.get(f"/runs/{run.pk}"))
    assert "Waits to begin" in text(technician.get("/"))


@pytest.mark.parametrize(
    ("moment", "zone"),
    [
        ("0001-01-01T00:00", "-60"),
        ("9999-12-31T23:59", "60"),
        ("2026-11-27T06:00", "9" * 30),
        ("0001-01-01T00:00:00+14:00", ""),
        ("0001-01-02T00:00:00Z", ""),
        ("yesterday", "0"),
    ],
)
@pytest.mark.parametrize("field", ["ready_by", "not_before"])
def test_a_moment_out_of_all_bounds_is_refused_in_words(
    claimed: Job, technician: Client, field: str, moment: str, zone: str
) -> None:
    form = {"set_up": TICKED, field: moment, "zone": zone}

    assert technician.post(f"/jobs/{claimed.pk}/start", form).status_code == 409
    asked = {field: moment, "zone": zone, "rested_v": "3.36"}
    assert technician.get(f"/jobs/{claimed.pk}/hours", asked).status_code in (200, 409)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z"])
def test_a_schedule_for_a_moment_out_of_all_bounds_is_refused_in_words(
    claimed: Job, tola: Api, moment: str
) -> None:
    asked = {"ready_by": moment, "rested_v": "3.36"}
    answer = tola.client.get(f"/api/v1/jobs/{claimed.pk}/schedule", asked)

    assert answer.status_code == 409
    for asks in ({"ready_by": moment}, {"not_before": moment}):
        start = tola.post(f"jobs/{claimed.pk}/start", confirmed=True, rested_v=3.36, **asks)
        assert start.status_code in (400, 409)


def test_the_job_page_says_when_to_begin_and_when_to_be_there(
    claimed: Job, technician: Client
) -> None:
    asked = {"rested_v": "3,36", "ready_by": ready_by(40), "alone": "on"}

    hours = text(technician.get(f"/jobs/{claimed.pk}/hours", asked))

    assert "Have everything ready by " in hours
    assert "the output goes on by itself" in hours
    assert "the bench waits for its moment with the output off" in hours
    assert "is held at its voltage until somebody comes" in hours

    stays = text(technician.get(f"/jobs/{claimed.pk}/hours", asked | {"alone": []}))
    assert "Begin " in stays
    assert "by itself" not in stays


def running(cast: Cast) -> Run:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station(now=clock.now()))
    assert job.station is not None
    program = plan(job, job.station).plain
    step = {"index": 3, "name": "balance", "title": "Balance", "kind": "charge"}
    return factories.make_run(
        by=cast.tola,
        job=job,
        state=RunState.RUNNING,
        program=program,
        step=step,
        now=clock.now() - timedelta(minutes=27),
    )


def test_somebody_says_that_they_are_there_by_page_and_by_program(
    cast: Cast, technician: Client, tola: Api
) -> None:
    run = running(cast)
    before = text(technician.get(f"/runs/{run.pk}"))
    assert "Are you still at the bench?" in before

    assert technician.post(f"/runs/{run.pk}/presence").status_code == 303
    answer = tola.post(f"runs/{run.pk}/presence")

    assert answer.status_code == 201
    assert PersonAct.objects.filter(run=run, kind="presence").count() == 2
    assert "Somebody stays with this run" in text(technician.get(f"/runs/{run.pk}"))
    assert tola.get(f"runs/{run.pk}").json()["presence"]["is_close"] is False


def test_a_test_alert_is_sent_and_confirmed_by_page_and_by_program(
    technician: Client, tola: Api, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    assert technician.post("/alerts/send").status_code == 409
    settings.ALERT_EMAIL = "night@shop.example"
    assert technician.post("/alerts/send").status_code == 303
    check = tola.get("alerts").json()["checks"][0]
    assert tola.post(f"alerts/checks/{check['id']}/confirm", code="0").status_code == 409

    code = re.search(r"\d{6}", str(mailoutbox[0].subject))
    assert code is not None
    answer = technician.post(f"/alerts/{check['id']}/confirm", {"code": code.group()})

    assert answer.status_code == 303
    assert "arrived, said Tola" in text(technician.get("/alerts"))
    assert tola.get("alerts").json()["arrived_at"] is not None


def test_a_run_whose_alert_does_not_leave_is_named_on_the_page_and_to_a_program(
    technician: Client, tola: Api, cast: Cast
) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.ERROR, attended=False)
    Run.objects.filter(pk=run.pk).update(ended_at=clock.now())

    assert tola.get("alerts").json()["unsent_runs"] == [run.pk]
    assert f"The alert of run {run.pk} (error) does not leave" in text(technician.get("/alerts"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("2026-01-01T06:00+01:00", "ready by 2026-01-01 05:00 UTC"),
        ("9999-12-31T23:59-12:00", "is no moment"),
        ("0001-01-01T00:00+14:00", "is no moment"),
    ],
)
def test_a_moment_of_another_zone_is_told_in_utc_or_is_none(
    claimed: Job, tola: Api, technician: Client, asked: str, words: str
) -> None:
    typed = {"ready_by": asked, "rested_v": "3.36"}

    told = tola.client.get(f"/api/v1/jobs/{claimed.pk}/schedule", typed)
    page = technician.get(f"/jobs/{claimed.pk}/hours", typed)

    assert words in told.json()["problems"][0]["words"]
    assert words in text(page)
