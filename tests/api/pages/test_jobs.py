"""A job's page: claim, set-up, plan, start; refusals stay on the page they came from."""

from __future__ import annotations

import pytest
from django.test import Client

from api.pages.set_ups import SET_UP, SET_UP_CAPACITY, SET_UP_RESISTANCE
from shop import clock
from shop.equipment.models import Instrument
from shop.equipment.services import record_commissioning
from shop.equipment.states import OutputState
from shop.evidence.models import ResistanceTest
from shop.forecast import queries
from shop.jobs import recipes
from shop.jobs.models import Job, Run
from shop.jobs.states import JobState
from stations.values import Window
from tests import factories
from tests.api.clients import logged_in, text
from tests.api.made import balanced
from tests.cast import Cast
from tests.played import play_capacity, play_resistance
from tests.shop.equipment.reports import document_of

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


def test_shows_the_set_up_and_the_tail_of_both_bases_before_the_start(
    claimed: Job, technician: Client
) -> None:
    """B2, B4: the plan prints the amps of both bases, safety words come first."""
    page = text(technician.get(f"/jobs/{claimed.pk}"))

    assert all(line in page for line in SET_UP[:2])
    assert "1.000 A" in page
    assert "0.250 A" in page
    assert "Start balance of 4 cells" in page


def test_a_plan_says_what_keeps_its_station_from_running_unattended(
    cast: Cast, claimed: Job, technician: Client
) -> None:
    """F4"""
    station = claimed.station
    assert station is not None
    before = text(technician.get(f"/jobs/{claimed.pk}"))

    now = clock.now()
    document = document_of(station, at=now)
    record_commissioning(station=station, document=document, by=cast.tola, now=now)

    assert "never commissioned" in before
    assert "you simply do not want to leave them unattended" in before
    after = text(technician.get(f"/jobs/{claimed.pk}"))
    assert "never commissioned" not in after
    assert "No thermometer lies on the cells of this station" in after


def test_the_hours_are_worked_out_beside_the_page(claimed: Job, technician: Client) -> None:
    """F5: an interval, what would be quicker, and why no night does it."""
    page = technician.get(f"/jobs/{claimed.pk}").content.decode()
    assert f'hx-get="/jobs/{claimed.pk}/hours"' in page

    hours = text(technician.get(f"/jobs/{claimed.pk}/hours?rested_v=3,306"))

    assert "to the end of the tail" in hours
    assert "No night" in hours
    assert "two stations like this one" in hours.lower()
    assert "Who must be at the bench" in hours
    assert "Never, level first" in hours


def test_a_plan_that_may_break_off_says_so_in_red_and_why(
    claimed: Job, technician: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "leads_known", lambda station: Window(0.060, 0.060))
    asked = {"ready_by": "2099-01-01T06:00", "zone": "0", "alone": "on"}

    page = technician.get(f"/jobs/{claimed.pk}/hours", asked).content.decode()

    assert '<span class="status fail' in page
    assert "Limited by the leads: 60 mΩ let" in page
    assert "It cannot be ready by a time" in page


@pytest.mark.parametrize(
    ("procedure", "words"),
    [
        ("step_pause_top_balance", "A bank in parallel takes its missing ampere-hours"),
        ("individual_top_balance", "all missing ampere-hours come through one supply"),
    ],
)
def test_whatever_charges_longer_than_a_night_says_so_in_red(
    cast: Cast, technician: Client, procedure: str, words: str
) -> None:
    factories.make_policy(by=cast.sade)
    job = factories.make_job(
        by=cast.tola,
        cells=factories.make_cells(2),
        recipe_version=factories.make_recipe_of(procedure, {}, by=cast.sade),
        claimed_at=factories.make_station(now=clock.now()),
    )

    page = technician.get(f"/jobs/{job.pk}/hours?rested_v=3.25").content.decode()

    assert '<span class="status fail' in page
    assert "No night" in page
    assert words in page.replace("&#x27;", "'")


def test_a_plan_for_single_cells_says_where_the_article_differs(
    cast: Cast, technician: Client
) -> None:
    factories.make_policy(by=cast.sade)
    recipe = factories.make_recipe_of("individual_top_balance", {}, by=cast.sade)
    station = factories.make_station(now=clock.now())
    job = factories.make_job(by=cast.tola, recipe_version=recipe, claimed_at=station)

    assert "so the default counts the bank" in text(technician.get(f"/jobs/{job.pk}"))


def test_where_the_article_differs_is_said_on_the_plan(claimed: Job, technician: Client) -> None:
    answer = technician.get(f"/jobs/{claimed.pk}")
    page = text(answer)

    assert "<summary>Where the article" not in answer.content.decode()
    assert "in parallel from empty it is about 160 h" in page
    assert "so the default counts the bank" in page


@pytest.mark.parametrize(
    ("typed", "words"), [("12.8", "No LiFePO4 cell rests"), ("x", "no voltage")]
)
def test_volts_that_are_none_are_refused_in_words(
    claimed: Job, technician: Client, typed: str, words: str
) -> None:
    assert words in text(technician.get(f"/jobs/{claimed.pk}/hours", {"rested_v": typed}))


def test_a_capacity_test_shows_its_currents_and_its_own_set_up(
    cast: Cast, technician: Client
) -> None:
    """B16"""
    factories.make_policy(by=cast.sade)
    station = factories.make_station(load=True, now=clock.now())
    job = factories.make_job(
        by=cast.tola,
        cells=factories.make_cells(1),
        recipe_version=factories.make_capacity_recipe(by=cast.sade),
        claimed_at=station,
        now=clock.now(),
    )

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert all(line in page for line in SET_UP_CAPACITY)
    assert "100.00" in page  # amps at 0.5C of 200 Ah
    assert "2.500" in page
    assert "Start capacity test of 1 cell " in page
    assert "tail" not in page


def test_a_run_of_a_capacity_test_shows_what_came_out(cast: Cast, technician: Client) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(load=True, now=factories.NOON)
    (cell,) = factories.make_cells(1)
    run = play_capacity(by=cast.tola, cell=cell, station=station, began_at=factories.NOON)

    page = text(technician.get(f"/runs/{run.pk}"))

    assert "capacity test of 1 cell " in page
    assert "Discharge to the cut-off" in page
    assert "192." in page
    assert "Wh" in page
    assert "192." in text(technician.get(f"/cells/{cell.serial}"))


def test_a_resistance_test_shows_its_step_and_what_came_out(cast: Cast, technician: Client) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(load=True, now=clock.now())
    (cell,) = factories.make_cells(1)
    recipe = factories.make_recipe_of("resistance_test", {}, by=cast.sade)
    job = factories.make_job(
        by=cast.tola, cells=[cell], recipe_version=recipe, claimed_at=station, now=clock.now()
    )

    planned = text(technician.get(f"/jobs/{job.pk}"))
    run = play_resistance(by=cast.tola, cell=cell, station=station, began_at=clock.now())

    assert all(line in planned for line in SET_UP_RESISTANCE)
    assert "100.00" in planned
    assert "Above 0.50 mΩ it is remarked on" in planned
    page = text(technician.get(f"/runs/{run.pk}"))
    test = ResistanceTest.objects.get()
    assert f"{test.r_mohm:.3f}" in page
    assert f"after 10 s, ± {test.u_mohm:.3f} mΩ" in page
    assert "Back to the job" in page  # there is nothing of it to approve
    assert f"{test.r_mohm:.3f} ±" in text(technician.get(f"/cells/{cell.serial}"))


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


def test_a_plan_that_is_refused_says_why(cast: Cast, technician: Client) -> None:
    factories.make_policy(by=cast.sade)
    version = factories.make_recipe_version(by=cast.sade, done_share=0.01, supply_share=0.05)
    station = factories.make_station(now=clock.now())
    job = factories.make_job(by=cast.tola, claimed_at=station, recipe_version=version)

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert "This cannot be planned here" in page
    assert "below" in page


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


def test_a_recheck_shows_its_own_plan_and_set_up(cast: Cast, technician: Client) -> None:
    """B8: limits against the median and the age, nothing about current or leads."""
    cells = balanced(cast).cells
    station = factories.make_station(now=clock.now())
    recipe = factories.make_recheck_recipe(by=cast.sade)
    job = factories.make_job(
        by=cast.tola, cells=cells, recipe_version=recipe, claimed_at=station, now=clock.now()
    )

    page = text(technician.get(f"/jobs/{job.pk}")).replace("\u202f", " ")

    assert "Re-check of 4 cells" in page
    assert "Start re-check of 4 cells" in page
    assert "Up to 4 h −40 mV −80 mV" in page
    assert "From 24 h on −60 mV −100 mV" in page
    assert "No link joins any two cells" in page
    assert "Basis of the tail" not in page
    assert "plus lead" not in page


def test_step_and_pause_names_its_three_voltages(cast: Cast, technician: Client) -> None:
    """B11."""
    station = factories.make_station(now=clock.now())
    recipe = factories.make_recipe_of(
        "step_pause_top_balance", recipes.step_pause.defaults(), by=cast.sade
    )
    job = factories.make_job(
        by=cast.tola, recipe_version=recipe, claimed_at=station, now=clock.now()
    )

    page = text(technician.get(f"/jobs/{job.pk}")).replace("\u202f", " ")

    assert "Step-and-pause balance of 4 cells" in page
    assert "output off between: 3.400 V, 3.500 V, then the target" in page
    assert "One cell · in use" in page


def test_an_individual_balance_shows_its_own_plan_and_set_up(
    cast: Cast, technician: Client
) -> None:
    """B12: the tail of one cell, and no word of a joined bank."""
    station = factories.make_station(now=clock.now())
    recipe = factories.make_recipe_of(
        "individual_top_balance", recipes.top_balance.defaults(), by=cast.sade
    )
    job = factories.make_job(
        by=cast.tola, recipe_version=recipe, claimed_at=station, now=clock.now()
    )

    page = text(technician.get(f"/jobs/{job.pk}")).replace("\u202f", " ")

    assert "Individual balance of 4 cells" in page
    assert "Charge and hold cell 4" in page
    assert "0.250" in page
    assert "Every cell stands alone and stays alone" in page
    assert "Basis of the tail" not in page
    assert "plus lead" not in page
