"""On which shelf a cell lies until it goes into a pack (B8): recorded once, advice alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from shop.audit.models import AuditEntry
from shop.cells.models import Cell
from shop.jobs.policies import Policy
from shop.people.models import User
from shop.refusals import Refusal
from shop.shelf.models import ShelfPlace
from shop.shelf.places import place_cells, places_of
from shop.shelf.rules import too_warm
from tests import factories
from tests.api.made import assembled
from tests.cast import Cast

NOON = factories.NOON


def place(by: User, *serials: str, now: datetime = NOON, **changes: Any) -> list[ShelfPlace]:
    values: dict[str, Any] = {
        "shelf": "B3",
        "unlinked": True,
        "covered": True,
        "temperature_c": None,
    }
    return place_cells(serials=serials, by=by, now=now, **values | changes)


def serials_of(cells: list[Cell]) -> list[str]:
    return [cell.serial for cell in cells]


def test_a_technician_lays_cells_on_a_shelf_and_the_audit_repeats_each(cast: Cast) -> None:
    cells = factories.make_cells(3)

    made = place(cast.tola, *serials_of(cells), shelf=" B3 ", temperature_c=21)

    assert [row.cell for row in made] == cells
    known = places_of(cells)[cells[0].serial]
    assert (known.shelf, known.temperature_c, known.at) == ("B3", 21.0, NOON)
    (entry,) = AuditEntry.objects.filter(kind="CELLS_SHELVED")
    assert [told["cell"] for told in entry.data["records"]] == [cell.pk for cell in cells]
    assert entry.data["records"][0]["temperature_c"] == 21_000_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"unlinked": False}, "not_unlinked"),
        ({"covered": False}, "not_covered"),
        ({"shelf": "  "}, "shelf"),
        ({"shelf": "B" * 41}, "shelf"),
        ({"shelf": "B\n3"}, "shelf"),
        ({"temperature_c": float("nan")}, "shelf_temperature"),
        ({"temperature_c": 61.0}, "shelf_temperature"),
    ],
)
def test_what_is_not_said_or_cannot_be_is_refused_and_nothing_is_written(
    cast: Cast, changes: dict[str, Any], code: str
) -> None:
    cells = factories.make_cells(2)

    with pytest.raises(Refusal) as caught:
        place(cast.tola, *serials_of(cells), **changes)

    assert [problem.code for problem in caught.value.problems] == [code]
    assert all(problem.fix for problem in caught.value.problems)
    assert not ShelfPlace.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (lambda known: [known, "GHOST"], "unknown_serial"),
        (lambda known: [known, known], "serial_twice"),
        (lambda known: [], "cells"),
        (lambda known: [f"N{n}" for n in range(501)], "cells"),
    ],
)
def test_one_bad_serial_keeps_all_cells_from_being_recorded(
    cast: Cast, asked: Any, code: str
) -> None:
    (cell,) = factories.make_cells(1)

    with pytest.raises(Refusal) as caught:
        place(cast.tola, *asked(cell.serial))

    assert [problem.code for problem in caught.value.problems] == [code]
    assert not ShelfPlace.objects.exists()


def test_a_cell_on_a_bench_lies_on_no_shelf(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola)
    on_bench = [row.cell for row in run.run_cells.select_related("cell")]
    (loose,) = factories.make_cells(1)

    with pytest.raises(Refusal, match=f"Cell {on_bench[0].serial} is in a run"):
        place(cast.tola, loose.serial, on_bench[0].serial)

    assert not ShelfPlace.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_cell_in_a_pack_lies_on_no_shelf_and_its_old_place_is_history(cast: Cast) -> None:
    pack = assembled(cast)
    cells = [row.cell for row in pack.placements.select_related("cell")]

    with pytest.raises(Refusal, match="is in a pack"):
        place(cast.tola, cells[0].serial)

    for at in (NOON, pack.assembled_at + timedelta(seconds=1)):
        ShelfPlace.objects.create(
            cell=cells[0], shelf="B3", unlinked=True, covered=True, by=cast.tola, at=at
        )
        assert places_of(cells) == {}


def test_the_newest_place_counts_until_the_cell_is_run_again(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())
    cells = [row.cell for row in job.job_cells.select_related("cell")]
    first, hour = cells[0], timedelta(hours=1)
    place(cast.tola, *serials_of(cells))
    place(cast.tola, first.serial, shelf="C1", now=NOON + hour)
    assert [places_of(cells)[c.serial].shelf for c in cells[:2]] == ["C1", "B3"]

    run = factories.make_run(by=cast.tola, job=job, now=NOON + 2 * hour)

    assert places_of(cells) == {}
    run.run_cells.update(active=False)
    assert places_of(cells) == {}
    place(cast.tola, first.serial, shelf="D1", now=NOON + 3 * hour)
    assert {serial: known.shelf for serial, known in places_of(cells).items()} == {
        first.serial: "D1"
    }


def test_a_warm_shelf_is_warned_of_by_the_policys_own_limit() -> None:
    usual_c = Policy().shelf_max_degc

    assert too_warm(25.0, usual_c) == too_warm(None, usual_c) == ""
    assert too_warm(25.5, usual_c).startswith("25.5 °C is warmer than 25 °C")
    assert too_warm(21.0, 20.0) != ""


def test_no_place_is_changed_or_taken_out_again(cast: Cast) -> None:
    (made,) = place(cast.tola, factories.make_cells(1)[0].serial)

    for act in (lambda: made.save(), lambda: ShelfPlace.objects.all().delete()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            act()


def test_the_database_keeps_no_place_of_a_linked_or_open_cell(cast: Cast) -> None:
    (cell,) = factories.make_cells(1)
    values = {"cell": cell, "shelf": "B3", "by": cast.tola, "at": NOON}

    for ticked in ({"unlinked": True, "covered": False}, {"unlinked": False, "covered": True}):
        refused = pytest.raises(IntegrityError, match="shelved_unlinked_and_covered")
        with refused, transaction.atomic():
            ShelfPlace.objects.create(**values, **ticked)
