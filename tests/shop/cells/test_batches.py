"""Cells as they come in, and as they are found again."""

from __future__ import annotations

from datetime import date

import pytest

from shop.cells.models import Batch, Cell, CellType
from shop.cells.queries import cells_by_serial
from shop.cells.services import receive_batch
from shop.people.models import User
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast


def receive(by: User, cell_type: CellType, serials: list[str], code: str = "B-1") -> Batch:
    return receive_batch(
        code=code,
        supplier="Voltaic",
        supplier_lot="L-7",
        cell_type=cell_type,
        received_on=date(2026, 11, 1),
        serials=serials,
        by=by,
    )


def test_a_batch_comes_in_with_its_cells(cast: Cast) -> None:
    batch = receive(cast.sade, factories.make_cell_type(), ["E1", "E2"])

    assert sorted(cell.serial for cell in batch.cells.all()) == ["E1", "E2"]


def test_refuses_serials_that_are_known_or_given_twice_and_writes_nothing(cast: Cast) -> None:
    batch = factories.make_batch()
    factories.make_cells(1, batch=batch)
    known = Cell.objects.get().serial

    with pytest.raises(Refusal) as caught:
        receive(cast.sade, batch.cell_type, ["N1", "N1", known])

    assert [p.code for p in caught.value.problems] == ["serial_twice", "serial_known"]
    assert Cell.objects.count() == 1


def test_refuses_a_batch_that_is_known(cast: Cast) -> None:
    cell_type = factories.make_cell_type()
    receive(cast.sade, cell_type, ["E1"])

    with pytest.raises(Refusal, match="already"):
        receive(cast.sade, cell_type, ["E2"])

    assert Cell.objects.count() == 1


def test_a_technician_defines_nothing(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        receive(cast.tola, factories.make_cell_type(), ["E1"])


def test_finds_cells_in_the_order_scanned_and_names_the_unknown(cast: Cast) -> None:
    first, second = factories.make_cells(2)

    found = cells_by_serial([second.serial, first.serial, second.serial])

    assert found == [second, first, second]
    with pytest.raises(Refusal, match="No cell 'GHOST'"):
        cells_by_serial([first.serial, "GHOST"])
