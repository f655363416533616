"""A job's page: claim, start, cancel, a new one; refusals stay on the page they came from."""

from __future__ import annotations

import pytest
from django.test import Client

from api.pages.set_ups import SET_UP
from shop import clock
from shop.equipment.models import Instrument
from shop.equipment.states import OutputState
from shop.jobs.models import Job, Run
from shop.jobs.states import JobState
from tests import factories
from tests.api.clients import logged_in, text
from tests.cast import Cast

TICKED = [str(number) for number in range(1, len(SET_UP) + 1)]


@pytest.fixture
def claimed(cast: Cast) -> Job:
    factories.make_policy(by=cast.sade)
    return factories.make_job(by=cast.tola, claimed_at=factories.make_station(now=clock.now()))


def test_claims_at_the_chosen_station(cast: Cast, technician: Client) -> None:
    job, station = factories.make_job(by=cast.tola), factories.make_station()

    answer = technician.post(f"/jobs/{job.pk}/claim", {"station": station.slug})

    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{job.pk}")
    job.refresh_from_db()
    assert (job.state, job.claimed_by) == (JobState.CLAIMED, cast.tola)


def test_a_claim_without_a_station_is_refused_on_the_page(cast: Cast, technician: Client) -> None:
    job = factories.make_job(by=cast.tola)

    answer = technician.post(f"/jobs/{job.pk}/claim")

    assert answer.status_code == 409
    assert "No station was chosen" in text(answer)


def test_a_job_that_somebody_else_was_faster_to_claim_says_so(
    cast: Cast, claimed: Job, technician: Client
) -> None:
    answer = logged_in(cast.bayo).post(
        f"/jobs/{claimed.pk}/claim", {"station": factories.make_station().slug}
    )

    assert answer.status_code == 409
    assert "The job is claimed, not open" in text(answer)


def test_starts_when_every_line_is_ticked(claimed: Job, technician: Client) -> None:
    answer = technician.post(f"/jobs/{claimed.pk}/start", {"set_up": TICKED})

    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{Run.objects.get().pk}")


def test_does_not_start_with_a_line_left_open(claimed: Job, technician: Client) -> None:
    answer = technician.post(f"/jobs/{claimed.pk}/start", {"set_up": TICKED[1:]})

    assert answer.status_code == 409
    assert "The set-up is not confirmed" in text(answer)
    assert not Run.objects.exists()


def test_a_start_that_cannot_be_is_disabled_with_its_reason(cast: Cast, technician: Client) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(output=OutputState.UNKNOWN, now=clock.now())
    job = factories.make_job(by=cast.tola, claimed_at=station)

    answer = technician.get(f"/jobs/{job.pk}")

    assert "not proven off" in text(answer)
    assert 'data-hold disabled aria-describedby="start-reason"' in answer.content.decode()


def test_releases_a_claim(claimed: Job, technician: Client) -> None:
    technician.post(f"/jobs/{claimed.pk}/release")

    claimed.refresh_from_db()
    assert claimed.state == JobState.OPEN


def test_a_colleague_is_not_offered_to_release_a_claim(
    claimed: Job, technician: Client, cast: Cast
) -> None:
    assert "Release the claim" in text(technician.get(f"/jobs/{claimed.pk}"))
    assert "Release the claim" not in text(logged_in(cast.bayo).get(f"/jobs/{claimed.pk}"))


def test_a_job_under_way_that_cannot_be_planned_any_more_sends_nobody_away(
    claimed: Job, technician: Client
) -> None:
    """A driver that is gone, or evidence taken back since: the run goes on as it was begun."""
    factories.make_run(by=claimed.created_by, job=claimed)
    Job.objects.filter(pk=claimed.pk).update(state=JobState.IN_PROGRESS)
    Instrument.objects.update(driver="of another version")

    page = text(technician.get(f"/jobs/{claimed.pk}"))

    assert "This cannot be planned here" in page
    assert "Somebody stays with it" in page
    assert "Nobody has to stay" not in page


def test_a_cancelled_job_says_why_and_gives_its_cells_back(
    claimed: Job, technician: Client
) -> None:
    serial = claimed.job_cells.all()[0].cell.serial
    assert serial not in technician.get("/jobs/new").content.decode()

    answer = technician.post(f"/jobs/{claimed.pk}/cancel", {"words": "Cell 3 has a dent."})

    assert answer["Location"] == f"/jobs/{claimed.pk}"
    page = text(technician.get(f"/jobs/{claimed.pk}"))
    assert "Cancelled by Tola" in page
    assert "Cell 3 has a dent." in page
    assert "Cancel this job" not in page
    assert serial in technician.get("/jobs/new").content.decode()


def test_a_colleague_reads_why_they_do_not_cancel_a_job(cast: Cast, claimed: Job) -> None:
    page = text(logged_in(cast.bayo).get(f"/jobs/{claimed.pk}"))

    assert "Ask them, or a supervisor, to cancel it." in page
    assert "Why nobody will do it" not in page


def test_makes_a_job_of_scanned_cells(cast: Cast, technician: Client) -> None:
    version = factories.make_recipe_version(by=cast.sade)
    cells = factories.make_cells(3)
    scanned = "\r\n".join(cell.serial for cell in cells)

    answer = technician.post("/jobs/new", {"recipe": version.pk, "cells": scanned})

    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}"
    assert [row.cell for row in job.job_cells.all()] == cells


@pytest.mark.parametrize(
    ("scanned", "words", "status"),
    [("NO-SUCH", "NO-SUCH", 404), ("{0} {0}", "more than once", 409), ("", "2 to 64 cells", 409)],
)
def test_a_job_that_cannot_be_keeps_what_was_scanned(
    cast: Cast, technician: Client, scanned: str, words: str, status: int
) -> None:
    version = factories.make_recipe_version(by=cast.sade)
    scanned = scanned.format(factories.make_cells(1)[0].serial)

    answer = technician.post("/jobs/new", {"recipe": version.pk, "cells": scanned})

    assert answer.status_code == status
    assert words in text(answer)
    assert scanned in answer.content.decode()
    assert not Job.objects.exists()
