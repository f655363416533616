"""The plan on a job's page: set-up, figures, hours, and what stands against it (F5)."""

from __future__ import annotations

import pytest
from django.test import Client

from api.pages import jobs
from api.pages.set_ups import SET_UP, SET_UP_CAPACITY, SET_UP_RESISTANCE
from shop import clock
from shop.equipment.services import record_commissioning
from shop.evidence.models import ResistanceTest
from shop.forecast import queries
from shop.jobs import recipes
from shop.jobs.models import Job
from shop.jobs.services.orders import claim_job, create_job
from stations.values import Window
from tests import factories
from tests.api.clients import text
from tests.api.made import balanced
from tests.cast import Cast
from tests.played import play_capacity, play_resistance
from tests.shop.care.test_due import make_pack
from tests.shop.equipment.reports import document_of


@pytest.fixture
def claimed(cast: Cast) -> Job:
    factories.make_policy(by=cast.sade)
    return factories.make_job(by=cast.tola, claimed_at=factories.make_station(now=clock.now()))


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


def test_whoever_would_leave_a_plan_that_breaks_off_alone_cannot_choose_it(
    claimed: Job, technician: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F4, F5: the hours bring the choice with them, closed, and open once they end well."""
    monkeypatch.setattr(jobs, "_attended_only", lambda job, station: [])
    path = f"/jobs/{claimed.pk}"
    choice = '<input type="radio" name="attended" value="no" required'
    assert f"{choice}>" in technician.get(path).content.decode()
    assert "alone-choice" not in technician.get(f"{path}/hours").content.decode()
    again = technician.get(f"{path}/hours?rested_v=3,306").content.decode()
    assert 'id="alone-choice" hx-swap-oob="true"' in again
    assert f"{choice}>" in again

    monkeypatch.setattr(queries, "leads_known", lambda station: Window(0.060, 0.060))
    closed = technician.get(f"{path}/hours")

    assert f"{choice} disabled>" in closed.content.decode()
    assert "Nobody. It cannot be left alone, for the plan does not come to its end" in text(closed)


def test_whoever_would_leave_a_recovery_alone_that_the_model_sees_no_end_of_cannot_choose_it(
    cast: Cast, technician: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_attended_only", lambda job, station: [])
    monkeypatch.setattr(queries, "string_hours", lambda program, known, rested_v: None)
    factories.make_policy(by=cast.sade)
    pack, cells = make_pack(cast, "P-1", built_at=factories.NOON), factories.make_cells(4)
    for position, cell in enumerate(cells, start=1):
        pack.placements.create(cell=cell, position=position, placed_at=factories.NOON)
    recipe = factories.make_recipe_of(
        "pack_recovery", recipes.pack_recovery.defaults(), by=cast.sade
    )
    now = clock.now()
    job = create_job(recipe_version=recipe, cells=cells, by=cast.tola, now=now, pack_id=pack.pk)
    station = factories.make_station(bms=True, load=True, now=now)
    claim_job(job=job, station=station, by=cast.tola, now=now)

    closed = technician.get(f"/jobs/{job.pk}/hours")

    assert 'value="no" required disabled>' in closed.content.decode()
    assert "Nobody. It cannot be left alone" in text(closed)


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


def test_a_plan_that_is_refused_says_why(cast: Cast, technician: Client) -> None:
    factories.make_policy(by=cast.sade)
    version = factories.make_recipe_version(by=cast.sade, done_share=0.01, supply_share=0.05)
    station = factories.make_station(now=clock.now())
    job = factories.make_job(by=cast.tola, claimed_at=station, recipe_version=version)

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert "This cannot be planned here" in page
    assert "below" in page


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


def test_a_bottom_balance_by_cv_says_what_the_load_holds_and_where_it_ends(
    cast: Cast, technician: Client
) -> None:
    """B9"""
    factories.make_policy(by=cast.sade)
    job = factories.make_job(
        by=cast.tola,
        recipe_version=factories.make_bottom_recipe(by=cast.sade, finish="cv"),
        claimed_at=factories.make_station(load=True, now=clock.now()),
        now=clock.now(),
    )

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert "of the load, then it holds the voltage" in page
    assert "the load holds 2.505 V (CV) until the cell gives 1.00 A" in page
    assert "One step" not in page
