"""B14: a pack with cells in parallel, its places in series as the bench knows them. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from shop.jobs.figures import CellFigures, PackFigures, place_ah, places_of
from shop.jobs.places import of_cells
from stations.procedures.state import CellResult, Record
from stations.values import NAN, Window

AT = datetime(2026, 11, 26, tzinfo=UTC)
CELL = CellFigures("C1", 200.0, 3.65, 2.5, 0.0003, 0.5)


def shown(position: int, volts: float) -> CellResult:
    return CellResult(position, volts, "pass", Window(2.5, 3.65), AT, AT, NAN)


def test_cells_go_place_by_place_and_the_weakest_place_counts() -> None:
    pack = PackFigures("P-1", 3.65, parallel=2)
    ah = (200.0, 200.0, 180.0, 200.0, 190.0, 190.0)
    cells = tuple(replace(CELL, capacity_ah=each, pack=pack) for each in ah)

    assert [[cell.capacity_ah for cell in place] for place in places_of(cells)] == [
        [200.0, 200.0],
        [180.0, 200.0],
        [190.0, 190.0],
    ]
    assert place_ah(cells) == 380.0


def test_cells_that_are_not_in_parallel_are_a_place_each() -> None:
    single = replace(CELL, pack=PackFigures("P-1", 3.65))

    assert place_ah((CELL, CELL)) == place_ah((single, single)) == 200.0


def test_what_a_place_showed_each_of_its_cells_showed() -> None:
    record = Record("rested", "measure", AT, AT, cells=(shown(1, 3.40), shown(2, 3.35)))

    (of_all,) = of_cells([record], 2)

    assert [(cell.position, cell.voltage_v) for cell in of_all.cells] == [
        (1, 3.40),
        (2, 3.40),
        (3, 3.35),
        (4, 3.35),
    ]
    assert of_cells([record], 1) == (record,)
