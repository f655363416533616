"""The second check of a watch opens by itself, once, when it is due; a person may come first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.evidence.models import VoltageCheck
from shop.evidence.taking_back import supersede
from shop.jobs.models import Job, RecipeVersion
from shop.jobs.services.orders import cancel_job, create_job
from shop.jobs.states import JobState
from shop.jobs.versions import retire_recipe
from shop.shelf.models import Alert
from shop.shelf.queries import standing_alerts
from shop.shelf.second_checks import awaited, open_due
from shop.tasks import remind as remind_task
from tests import factories
from tests.cast import Cast, the_cast
from tests.played import play_watch
from tests.race import race

NOON = factories.NOON
DAY = timedelta(days=1)
DUE = NOON + 3 * DAY + timedelta(hours=1)


@pytest.fixture
def station(cast: Cast) -> Station:
    factories.make_policy(by=cast.sade)
    return factories.make_station(now=NOON)


@pytest.fixture
def cells() -> list[Cell]:
    return factories.make_cells(4)


@pytest.fixture
def first(cast: Cast, station: Station, cells: list[Cell]) -> VoltageCheck:
    play_watch(by=cast.tola, cells=cells, station=station, began_at=NOON, lost_month=(0.02,) * 4)
    return VoltageCheck.objects.get()


def test_the_job_opens_when_the_days_are_over_and_only_once(
    first: VoltageCheck, cells: list[Cell]
) -> None:
    assert open_due(now=NOON + 2.9 * DAY) == []

    (job,) = open_due(now=DUE)

    assert first.run is not None
    assert (job.state, job.recipe_version) == (JobState.OPEN, first.run.job.recipe_version)
    assert [row.cell for row in job.job_cells.order_by("position")] == cells
    assert open_due(now=DUE + DAY) == []
    assert [event.kind for event in job.events.all()] == ["created", "second_check"]


def test_one_that_somebody_cancelled_does_not_open_again(first: VoltageCheck, cast: Cast) -> None:
    (job,) = open_due(now=DUE)
    cancel_job(job=job, words="The cells were sold.", by=cast.sade, now=DUE)

    assert open_due(now=DUE + DAY) == []
    (alert,) = standing_alerts(now=DUE)
    assert "is open" not in alert.words


def test_supervisors_are_told_with_the_job(first: VoltageCheck, cast: Cast) -> None:
    (job,) = open_due(now=DUE)

    (alert,) = standing_alerts(now=DUE)
    assert (alert.kind, alert.run_id) == ("WATCH_DUE", first.run_id)
    assert f"see job {job.pk}." in alert.words
    assert "4 cells of run" in alert.words


def test_the_offices_clockwork_opens_it(
    first: VoltageCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.clock.now", lambda: DUE)

    remind_task()

    assert Job.objects.filter(state=JobState.OPEN).count() == 1


def test_a_person_who_made_it_already_is_not_given_another(
    first: VoltageCheck, cells: list[Cell], cast: Cast
) -> None:
    assert first.run is not None
    version = first.run.job.recipe_version
    create_job(recipe_version=version, cells=cells, by=cast.bayo, now=NOON + 2 * DAY)

    assert open_due(now=DUE) == []


def test_where_the_recipe_was_retired_meanwhile_its_newest_version_is_taken(
    first: VoltageCheck, cast: Cast
) -> None:
    assert first.run is not None
    version = first.run.job.recipe_version
    newer = RecipeVersion.objects.create(
        recipe=version.recipe,
        version=version.version + 1,
        procedure=version.procedure,
        parameters=version.parameters,
        created_by=cast.sade,
    )
    retire_recipe(version=version, words="a better one came", by=cast.sade, now=NOON)

    (job,) = open_due(now=DUE)

    assert job.recipe_version == newer


def test_after_a_month_it_is_too_late(first: VoltageCheck) -> None:
    assert awaited(NOON + 30 * DAY) != []
    assert open_due(now=NOON + 32 * DAY) == []


def test_a_superseded_first_check_waits_for_nothing(first: VoltageCheck, cast: Cast) -> None:
    supersede(record=first, words="wrong wires", by=cast.sade, now=NOON)

    assert open_due(now=DUE) == []


def test_a_second_check_ends_it(
    first: VoltageCheck, cast: Cast, station: Station, cells: list[Cell]
) -> None:
    began_at = NOON + 3.1 * DAY
    lost = (0.02,) * 4
    play_watch(
        by=cast.tola, cells=cells, station=station, began_at=began_at, days=3.1, lost_month=lost
    )

    assert awaited(began_at + DAY) == []
    assert open_due(now=began_at + 4 * DAY) == []


@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_open_one_job() -> None:
    cast = the_cast()
    factories.make_policy(by=cast.sade)
    station = factories.make_station(now=NOON)
    play_watch(
        by=cast.tola,
        cells=factories.make_cells(4),
        station=station,
        began_at=NOON,
        lost_month=(0.02,) * 4,
    )

    race([lambda _: open_due(now=DUE)] * 4)

    assert Job.objects.filter(state=JobState.OPEN).count() == 1
    assert Alert.objects.filter(kind="WATCH_DUE").count() == 1
