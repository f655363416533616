"""What was measured, edited or removed behind the shop's back: named with both figures (T4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from shop.evidence.models import (
    Balance,
    CapacityTest,
    CellVoltage,
    ResistanceTest,
    VoltageCheck,
)
from shop.jobs.models import Run
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.tampering import (
    change,
    remove,
    superuser,
)
from tests.faults.verified import ENDED, approved_run, first_fault, verify
from tests.played import play_capacity, play_recheck, play_resistance


@pytest.fixture
def cast(db: None) -> Cast:
    return the_cast()


@pytest.fixture
def run(cast: Cast) -> Run:
    """A finished run of four cells, played; its cells are approved."""
    return approved_run(cast)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"method": "BOTTOM"}, "its method is BOTTOM, its recipe's TOP"),
        ({"recorded_at": ENDED + timedelta(days=3)}, "was recorded at another time"),
    ],
)
def test_a_balance_of_another_method_or_moment_than_its_runs_is_named(
    run: Run, values: dict[str, Any], words: str
) -> None:
    """Which way the cells met opens the gate of one application (G3), and the newest counts."""
    balance = Balance.objects.get(run=run)
    change(Balance, balance.pk, **values)
    assert first_fault().startswith(f"Balance {balance.pk} (run {run.pk}): {words}")


def test_a_balance_that_names_another_recipe_is_named(run: Run, cast: Cast) -> None:
    balance = Balance.objects.get(run=run)
    change(Balance, balance.pk, recipe_version=factories.make_recipe_version(by=cast.sade))
    assert "its recipe is not the one that was sealed" in first_fault()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"simulated": False}, "says that its bench was real"),
        ({"tested_at": ENDED + timedelta(days=3)}, "was measured at another time"),
        ({"recorded_at": ENDED + timedelta(days=3)}, "was recorded at another time"),
    ],
)
def test_a_test_of_another_bench_or_moment_than_was_sealed_is_named(
    cast: Cast, values: dict[str, Any], words: str
) -> None:
    """A model's capacity is for simulated packs, and a cell's newest test counts (G2)."""
    station = factories.make_station(load=True, now=ENDED)
    (cell,) = factories.make_cells(1)
    play_capacity(by=cast.tola, cell=cell, station=station, began_at=ENDED)
    later = ENDED + timedelta(days=1)
    play_resistance(by=cast.tola, cell=cell, station=station, began_at=later)
    verify()
    for model in (ResistanceTest, CapacityTest):
        test = model._default_manager.get()
        change(model, test.pk, **values)
        assert f"{model.__name__} {test.pk}" in (said := first_fault())
        assert words in said


def test_a_re_check_is_held_against_its_own_manifest(run: Run, cast: Cast) -> None:
    cells = [rc.cell for rc in run.run_cells.order_by("position")]
    began_at = ENDED + timedelta(hours=3)
    again = play_recheck(by=cast.tola, cells=cells, station=run.station, began_at=began_at)
    assert "2 runs, 2 manifests" in verify()
    row = CellVoltage.objects.get(voltage_check__run=again, position=1)

    change(CellVoltage, row.pk, verdict="MARGINAL")

    assert first_fault().startswith(f"CellVoltage {row.pk} (run {again.pk}): the cell at 1")


def test_an_edited_balance_is_named_with_both_figures(run: Run) -> None:
    balance = Balance.objects.get(run=run)

    change(Balance, balance.pk, tail_a=balance.tail_a / 2)

    found = first_fault()
    assert found.startswith(f"Balance {balance.pk} (run {run.pk}): tail_a is")
    assert "sealed as" in found


def test_a_removed_balance_is_missed(run: Run) -> None:
    balance = Balance.objects.get(run=run)
    with superuser("balance", "cellbalance"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_cellbalance WHERE balance_id = %s", [balance.pk])
        cursor.execute("DELETE FROM shop_balance WHERE id = %s", [balance.pk])

    assert first_fault().startswith(f"Balance (run {run.pk}, attempt 1): the manifest shows one")


@pytest.fixture
def tested(cast: Cast) -> CapacityTest:
    station = factories.make_station(load=True, now=ENDED)
    (cell,) = factories.make_cells(1)
    play_capacity(by=cast.tola, cell=cell, station=station, began_at=ENDED)
    return CapacityTest.objects.get()


def test_a_measured_capacity_is_walked_with_its_run(tested: CapacityTest) -> None:
    assert "1 capacity tests, 0 balances" in verify()


def test_an_edited_capacity_is_named_with_both_figures(tested: CapacityTest) -> None:
    change(CapacityTest, tested.pk, capacity_ah=tested.capacity_ah + 5.0)

    found = first_fault()
    assert found.startswith(f"CapacityTest {tested.pk} (run {tested.run_id}): capacity_ah is")
    assert "sealed as" in found


def test_a_removed_capacity_is_missed(tested: CapacityTest) -> None:
    remove(CapacityTest, tested.pk)

    words = f"CapacityTest (run {tested.run_id}, attempt 1): the manifest shows one"
    assert first_fault().startswith(words)


def test_an_edited_cell_voltage_is_named(run: Run) -> None:
    check = VoltageCheck.objects.get(run=run, kind="DISCONNECT")
    row = check.cells.get(position=3)
    assert row.voltage_v is not None

    change(CellVoltage, row.pk, voltage_v=row.voltage_v + 0.002)

    assert first_fault() == (
        f"CellVoltage {row.pk} (run {run.pk}): the cell at 3 is not as it was sealed"
    )
