"""Row 34: the wrong cell, one cell twice, one cell at two benches, a cell changed after the start.

Judged by the answers of the API and by what is in the database.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from shop.jobs.models import Job, JobCell, Run, RunCell
from shop.jobs.services.starts import start_run
from shop.people.models import User
from shop.refusals import Refusal
from tests import factories
from tests.api.clients import Api, codes, logged_in
from tests.cast import Cast, the_cast
from tests.factories import NOON
from tests.faults.matrix import Trial
from tests.race import race

ROUNDS = 5


@pytest.fixture
def cast(db: None) -> Cast:
    return the_cast()


@pytest.mark.fault("34", "wrong or doubled barcode scanned for a job", trials=20)
@pytest.mark.parametrize(
    ("scanned", "status", "code"),
    [
        ("unknown", 404, "unknown_serial"),
        ("other type", 409, "mixed_types"),
        ("twice", 409, "cell_twice"),
    ],
)
def test_a_wrong_scan_makes_no_job(
    cast: Cast, scanned: str, status: int, code: str, trial: Trial
) -> None:
    serials = [cell.serial for cell in factories.make_cells(4)]
    wrong = {
        "unknown": "NO-SUCH-CELL",
        "other type": factories.make_cells(1)[0].serial,
        "twice": serials[2],
    }
    body: dict[str, Any] = {"recipe_version": factories.make_recipe_version(by=cast.sade).pk}

    answer = Api(logged_in(cast.tola)).post("jobs", **body, cells=[*serials, wrong[scanned]])

    trial.happened((answer.status_code, codes(answer)) == (status, [code]))
    assert not Job.objects.exists()


@pytest.mark.fault("34", "one cell started at two stations at once", trials=5)
@pytest.mark.django_db(transaction=True)
def test_a_cell_that_two_people_start_is_in_one_run(trial: Trial) -> None:
    cast = the_cast()
    factories.make_policy(by=cast.sade)
    shared = [factories.make_cells(2) for _ in range(ROUNDS)]
    recipe = factories.make_recipe_version(by=cast.sade)
    jobs = {
        by.username: [
            factories.make_job(
                by=by, cells=cells, recipe_version=recipe, claimed_at=factories.make_station()
            )
            for cells in shared
        ]
        for by in (cast.tola, cast.bayo)
    }

    answers = race(
        [partial(_starts, jobs[by.username], by) for by in (cast.tola, cast.bayo)], rounds=ROUNDS
    )

    trial.times = ROUNDS
    trial.happened(all(len(pair) == 2 for pair in answers))
    assert [sorted(pair) for pair in answers] == [[False, True]] * ROUNDS
    assert Run.objects.count() == ROUNDS
    active = RunCell.objects.filter(active=True).values_list("cell", flat=True)
    assert len(active) == len(set(active)) == 2 * ROUNDS


def _starts(jobs: list[Job], by: User, number: int) -> bool:
    job = Job.objects.select_related("station").get(pk=jobs[number].pk)
    try:
        start_run(job=job, by=by, now=NOON)
    except Refusal:
        return False
    return True


@pytest.mark.fault("34", "cell put into a run or a job after the start", trials=20)
def test_a_cell_that_is_in_a_run_is_put_into_no_other(cast: Cast, trial: Trial) -> None:
    one, other = factories.make_run(by=cast.tola), factories.make_run(by=cast.bayo)
    cell = one.run_cells.get(position=1).cell

    with pytest.raises(IntegrityError, match="cell_one_active_run"), transaction.atomic():
        RunCell.objects.create(run=other, cell=cell, position=9)
    with pytest.raises(IntegrityError, match="job_cell_unique"), transaction.atomic():
        JobCell.objects.create(job=one.job, cell=cell, position=9)
    with pytest.raises(IntegrityError, match="job_position_unique"), transaction.atomic():
        JobCell.objects.create(job=one.job, cell=factories.make_cells(1)[0], position=1)

    trial.happened(RunCell.objects.filter(cell=cell).count() == 1)
