"""A self-discharge watch through the shop: two checks, the pair, who leaks, and its records."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.evidence.models import CellVoltage, VoltageCheck
from shop.evidence.queries import evidence_of
from shop.evidence.rules.approval import open_nonconformances
from shop.evidence.taking_back import supersede
from shop.evidence.watched import watched_cells
from shop.jobs.models import Run
from shop.jobs.planning import plan
from shop.jobs.services.orders import create_job
from shop.jobs.versions import store_recipe
from shop.packs.models import Pack, Placement
from shop.quality.models import Nonconformance
from shop.refusals import Refusal
from shop.shelf.second_checks import awaited
from tests import factories
from tests.cast import Cast
from tests.faults.tampering import change, remove
from tests.faults.verified import first_fault, verify
from tests.played import play_capacity, play_watch
from tests.shop.packs.factories import make_design

NOON = factories.NOON
USUAL = (0.02, 0.015, 0.025, 0.02)
ONE_LEAKS = (0.02, 0.015, 0.025, 0.10)


@pytest.fixture
def station(cast: Cast) -> Station:
    factories.make_policy(by=cast.sade)
    return factories.make_station(load=True, now=NOON)


@pytest.fixture
def cells() -> list[Cell]:
    return factories.make_cells(4)


def checked(
    cast: Cast,
    station: Station,
    cells: list[Cell],
    days: float = 0.0,
    lost: tuple[float, ...] = USUAL,
) -> Run:
    began_at = NOON + timedelta(days=days)
    return play_watch(
        by=cast.tola, cells=cells, station=station, began_at=began_at, days=days, lost_month=lost
    )


def first_facts(cast: Cast, station: Station, cells: list[Cell], at: datetime = NOON) -> float:
    recipe = factories.make_recipe_of("self_discharge", {}, by=cast.sade)
    job = factories.make_job(
        by=cast.tola, cells=cells, recipe_version=recipe, claimed_at=station, now=at
    )
    return plan(job, station).facts["first_check"]


def test_the_first_check_waits_for_its_second(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    run = checked(cast, station, cells)

    check = VoltageCheck.objects.get()
    assert (check.kind, check.run, check.compared_with) == ("WATCH", run, None)
    assert (check.current_stopped_at, check.temperature_c) == (None, None)
    assert {row.verdict for row in check.cells.all()} == {"PASS"}
    assert {w.check_id for w in watched_cells(cells).values()} == {check.pk}
    assert first_facts(cast, station, cells) == check.pk


def test_the_second_check_names_the_cell_that_leaks(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    checked(cast, station, cells, lost=ONE_LEAKS)
    run = checked(cast, station, cells, days=3.0, lost=ONE_LEAKS)

    first, second = VoltageCheck.objects.order_by("pk")
    assert second.compared_with == first
    verdicts = dict(second.cells.values_list("cell__serial", "verdict"))
    assert list(verdicts.values()).count("FAIL") == 1
    assert verdicts[cells[3].serial] == "FAIL"
    note = Nonconformance.objects.get()
    assert (note.cell, note.kind, note.run_id) == (cells[3], "SELF_DISCHARGE", run.pk)
    assert "Put it aside" in note.words
    assert open_nonconformances(evidence_of(cells[3])) != []
    assert open_nonconformances(evidence_of(cells[0])) == []


def test_a_healthy_group_is_passed_and_its_watch_is_over(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    checked(cast, station, cells)
    checked(cast, station, cells, days=3.0)

    second = VoltageCheck.objects.latest("pk")
    assert {row.verdict for row in second.cells.all()} == {"PASS"}
    assert not Nonconformance.objects.exists()
    assert watched_cells(cells) == {}
    assert first_facts(cast, station, cells) == 0.0  # the next one begins anew


def test_other_cells_begin_a_watch_of_their_own(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    checked(cast, station, cells)

    assert first_facts(cast, station, cells[:3]) == 0.0
    assert first_facts(cast, station, [*cells, *factories.make_cells(1, batch=cells[0].batch)]) == 0


def test_cells_in_another_order_are_still_compared_each_with_itself(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    checked(cast, station, cells, lost=ONE_LEAKS)
    checked(cast, station, cells[::-1], days=3.0, lost=ONE_LEAKS[::-1])

    assert Nonconformance.objects.get().cell == cells[3]
    assert "2 checks" in verify()


def test_current_in_a_cell_since_ends_the_watch(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    checked(cast, station, cells)
    play_capacity(by=cast.tola, cell=cells[1], station=station, began_at=NOON + timedelta(hours=2))

    assert set(watched_cells(cells)) == set()
    assert first_facts(cast, station, cells) == 0.0


def test_a_pack_in_between_ends_the_watch(cast: Cast, station: Station, cells: list[Cell]) -> None:
    """In it the cells were charged and discharged, and nobody counted that."""
    checked(cast, station, cells)
    pack = Pack.objects.create(
        serial="P-1", design=make_design(), assembled_by=cast.bayo, assembled_at=NOON
    )
    Placement.objects.create(
        pack=pack,
        cell=cells[1],
        position=1,
        placed_at=NOON + timedelta(days=1),
        removed_at=NOON + timedelta(days=2),
    )

    assert first_facts(cast, station, cells, NOON + timedelta(days=3)) == 0.0
    assert awaited(NOON + timedelta(days=3)) == []


def test_a_superseded_first_check_counts_for_nothing(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    checked(cast, station, cells)

    supersede(record=VoltageCheck.objects.get(), words="wrong wires", by=cast.sade, now=NOON)

    assert first_facts(cast, station, cells) == 0.0


def test_the_second_check_is_by_the_scanner_of_the_first(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    checked(cast, station, cells)

    with pytest.raises(Refusal, match="by scanner 34972A"):
        first_facts(cast, factories.make_station(now=NOON), cells)


def test_two_cells_are_too_few(cast: Cast) -> None:
    recipe = factories.make_recipe_of("self_discharge", {}, by=cast.sade)

    with pytest.raises(Refusal, match="3"):
        create_job(recipe_version=recipe, cells=factories.make_cells(2), by=cast.tola, now=NOON)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"gap_min_s": 3600.0}, "outside"),
        ({"gap_max_s": 2 * 86_400.0}, "must not exceed 'gap_max_s'"),
        ({"fail_month": 0.02}, "must not exceed 'fail_month'"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(
    cast: Cast, parameters: dict[str, float], words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        store_recipe(
            name="W", procedure="self_discharge", parameters=parameters, by=cast.sade, now=NOON
        )


# The walk over the records


@pytest.fixture
def pair(cast: Cast, station: Station, cells: list[Cell]) -> list[VoltageCheck]:
    checked(cast, station, cells, lost=ONE_LEAKS)
    checked(cast, station, cells, days=3.0, lost=ONE_LEAKS)
    return list(VoltageCheck.objects.order_by("pk"))


def test_both_checks_are_walked(pair: list[VoltageCheck]) -> None:
    assert "2 checks" in verify()


def test_a_second_check_that_lost_its_first_is_named(pair: list[VoltageCheck]) -> None:
    change(VoltageCheck, pair[1].pk, compared_with_id=None)

    assert "is compared with another check than was sealed" in first_fault()


def test_an_edited_first_check_is_named(pair: list[VoltageCheck]) -> None:
    row = pair[0].cells.get(position=4)
    assert row.voltage_v is not None

    change(CellVoltage, row.pk, voltage_v=row.voltage_v - 0.05)

    assert first_fault().startswith(f"CellVoltage {row.pk}")


def test_a_verdict_that_was_turned_is_named(pair: list[VoltageCheck]) -> None:
    change(CellVoltage, pair[1].cells.get(position=4).pk, verdict="UNSEEN")

    assert "is not as it was sealed" in first_fault()


def test_the_note_of_a_leaking_cell_is_missed(pair: list[VoltageCheck]) -> None:
    remove(Nonconformance, Nonconformance.objects.get().pk)

    assert "loses charge at rest" in first_fault()


def test_a_checks_temperature_is_as_it_was_sealed(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    """By it the second check would be compared with the first, or not."""
    checked(cast, station, cells)
    check = VoltageCheck.objects.get()

    change(VoltageCheck, check.pk, temperature_c=25.0)

    assert "its temperature is not as it was sealed" in first_fault()
