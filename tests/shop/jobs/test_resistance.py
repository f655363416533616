"""A DC resistance test through the shop: planned, recorded, sealed, walked, and named if high."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.evidence.models import ResistanceTest
from shop.evidence.queries import evidence_of
from shop.evidence.rules.approval import open_nonconformances
from shop.jobs.planning import plan
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.versions import store_recipe
from shop.quality.models import Nonconformance
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast
from tests.faults.tampering import change, remove
from tests.faults.verified import first_fault, verify
from tests.played import play_resistance

NOON = factories.NOON


@pytest.fixture
def station(cast: Cast) -> Station:
    factories.make_policy(by=cast.sade)
    return factories.make_station(load=True, now=NOON)


@pytest.fixture
def cell() -> Cell:
    return factories.make_cells(1)[0]


def measured(cast: Cast, station: Station, cell: Cell, times_ohm: float = 1.0) -> ResistanceTest:
    play_resistance(by=cast.tola, cell=cell, station=station, began_at=NOON, times_ohm=times_ohm)
    return ResistanceTest.objects.get()


def test_a_job_of_the_recipe_is_planned_for_the_stations_load(
    cast: Cast, station: Station, cell: Cell
) -> None:
    recipe = store_recipe(
        name="R", procedure="resistance_test", parameters={}, by=cast.sade, now=NOON
    )
    job = create_job(recipe_version=recipe, cells=[cell], by=cast.tola, now=NOON)

    planned = plan(claim_job(job=job, station=station, by=cast.tola, now=NOON), station)

    assert planned.facts["pulse_a"] == 100.0  # 0.5C of 200 Ah
    assert planned.facts["typical_mohm"] == pytest.approx(0.2)  # of the cell's type
    assert timedelta(hours=1) < planned.lasts < timedelta(hours=2)


def test_a_station_without_a_load_cannot_claim_it(cast: Cast, cell: Cell) -> None:
    recipe = factories.make_recipe_of("resistance_test", {}, by=cast.sade)
    job = create_job(recipe_version=recipe, cells=[cell], by=cast.tola, now=NOON)

    with pytest.raises(Refusal, match="has no load"):
        claim_job(job=job, station=factories.make_station(now=NOON), by=cast.tola, now=NOON)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"step_s": 600.0}, "outside 2 … 120"),
        ({"early_s": 20.0}, "must not exceed 'step_s'"),
        ({"fail_share": 2.0}, "must not exceed 'fail_share'"),
        ({"charge_c": 0.5}, "is not known"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(
    cast: Cast, parameters: dict[str, float], words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        store_recipe(
            name="R", procedure="resistance_test", parameters=parameters, by=cast.sade, now=NOON
        )


def test_what_a_run_measured_is_kept_with_its_limits(
    cast: Cast, station: Station, cell: Cell
) -> None:
    test = measured(cast, station, cell)

    assert test.r_mohm == pytest.approx(0.33, abs=0.02)
    assert test.early_mohm is not None
    assert test.early_mohm < test.r_mohm
    assert (test.verdict, test.warn_mohm, test.fail_mohm) == ("PASS", 0.5, 0.8)
    assert "34461A" in test.meter_text
    assert "IT8514C+" in test.load_text
    assert open_nonconformances(evidence_of(cell)) == []


def test_too_high_a_resistance_is_a_nonconformance_of_the_cell(
    cast: Cast, station: Station, cell: Cell
) -> None:
    test = measured(cast, station, cell, times_ohm=4.0)

    note = Nonconformance.objects.get()
    assert test.verdict == "FAIL"
    assert (note.cell, note.run_id, note.kind) == (cell, test.run_id, "RESISTANCE_HIGH")
    assert "above 0.800 mΩ" in note.words
    assert open_nonconformances(evidence_of(cell)) != []


def test_much_of_it_is_remarked_on_only(cast: Cast, station: Station, cell: Cell) -> None:
    test = measured(cast, station, cell, times_ohm=2.0)

    assert test.verdict == "MARGINAL"
    assert not Nonconformance.objects.exists()


def test_no_hand_changes_a_resistance_in_the_database(
    cast: Cast, station: Station, cell: Cell
) -> None:
    test = measured(cast, station, cell)

    with pytest.raises(DatabaseError, match="append"), transaction.atomic():
        ResistanceTest.objects.filter(pk=test.pk).update(r_mohm=0.2)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE shop_resistancetest")


def test_it_is_walked_with_its_run(cast: Cast, station: Station, cell: Cell) -> None:
    measured(cast, station, cell, times_ohm=4.0)

    assert "1 resistance tests" in verify()


@pytest.mark.parametrize("edit", [{"r_mohm": 0.2}, {"fail_mohm": 9.0}, {"verdict": "MARGINAL"}])
def test_an_edited_resistance_is_named(
    cast: Cast, station: Station, cell: Cell, edit: dict[str, float | str]
) -> None:
    test = measured(cast, station, cell)

    change(ResistanceTest, test.pk, **edit)

    (name,) = edit
    assert first_fault().startswith(f"ResistanceTest {test.pk} (run {test.run_id}): {name} is")


def test_a_removed_resistance_is_missed(cast: Cast, station: Station, cell: Cell) -> None:
    test = measured(cast, station, cell)

    remove(ResistanceTest, test.pk)

    assert first_fault().startswith(f"ResistanceTest (run {test.run_id}, attempt 1): the manifest")


def test_its_nonconformance_is_missed_where_it_vanished(
    cast: Cast, station: Station, cell: Cell
) -> None:
    measured(cast, station, cell, times_ohm=4.0)

    remove(Nonconformance, Nonconformance.objects.get().pk)

    assert "DC resistance too high" in first_fault()
