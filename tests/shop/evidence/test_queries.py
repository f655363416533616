"""What counts of a cell's evidence, and how many queries it takes to read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from shop.evidence.models import Balance, CapacityTest, CellBalance, CellVoltage, VoltageCheck
from shop.evidence.queries import evidence_of, evidence_of_cells, gate_policy
from shop.jobs.models import PersonAct
from shop.jobs.states import RunState
from shop.refusals import Refusal
from stations.values import OffProof
from tests import factories
from tests.cast import Cast
from tests.shop.packs.factories import approve, charge, make_bank, make_capacity

STOPPED = factories.NOON
NOW = STOPPED + timedelta(minutes=10)


def test_knows_a_cell_that_nothing_happened_to(cast: Cast) -> None:
    cell = factories.make_cells(1)[0]

    known = evidence_of(cell)

    assert (known.serial, known.rated_ah) == (cell.serial, 200.0)
    assert (known.balance, known.disconnect, known.capacity, known.approval) == (None,) * 4


def test_collects_balance_check_instruments_and_who_ran_it(cast: Cast) -> None:
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    PersonAct.objects.create(run=bank.run, kind="confirm", by=cast.bayo, at=STOPPED)

    known = evidence_of(bank.cells[1])

    assert known.balance is not None
    assert known.disconnect is not None
    assert known.balance.ran_by == {cast.tola.pk, cast.bayo.pk}
    assert {use.role for use in known.balance.instruments} == {"supply", "meter", "scanner"}
    assert all(use.is_calibrated for use in known.balance.instruments)
    assert (known.disconnect.position, known.disconnect.age) == (2, timedelta(minutes=2))
    assert known.disconnect.meter.role == "scanner"


def test_who_started_an_earlier_try_of_the_job_ran_it_too(cast: Cast) -> None:
    """G1: charge of the first try is in the cell that the second one finished."""
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    other = make_bank(by=cast.bayo, stopped=STOPPED)
    job = bank.run.job
    again = factories.make_run(by=cast.bayo, job=job, state=RunState.FINISHED, now=NOW, token=2)
    Balance.objects.create(**_same(bank.balance) | {"run": again, "recorded_at": NOW})
    CellBalance.objects.bulk_create(
        CellBalance(balance=again.balance, cell=cell, position=position)
        for position, cell in enumerate(bank.cells, start=1)
    )

    known, unrelated = evidence_of(bank.cells[0]).balance, evidence_of(other.cells[0]).balance

    assert known is not None
    assert unrelated is not None
    assert known.ran_by == {cast.tola.pk, cast.bayo.pk}
    assert unrelated.ran_by == {cast.bayo.pk}


def _same(balance: Balance | None) -> dict[str, Any]:
    """The values of a balance for another row."""
    assert balance is not None
    names = [f.name for f in Balance._meta.concrete_fields if f.name != "id"]
    return {name: getattr(balance, name) for name in names}


def test_the_newest_balance_counts_with_the_check_of_its_own_run(cast: Cast) -> None:
    first = make_bank(by=cast.tola, stopped=STOPPED - timedelta(days=1))
    second = make_bank(
        by=cast.tola, stopped=STOPPED, cells=first.cells, record=charge("partial", "stopped")
    )

    known = evidence_of(first.cells[0])

    assert known.balance is not None
    assert known.disconnect is not None
    assert (known.balance.run_id, known.balance.completeness) == (second.run.pk, "PARTIAL")
    assert known.disconnect.run_id == second.run.pk


def test_a_test_measured_here_counts_before_a_newer_import(cast: Cast) -> None:
    cell = factories.make_cells(1)[0]
    make_capacity(cell, 198.0, tested_at=STOPPED - timedelta(days=9))
    make_capacity(cell, 199.0, tested_at=STOPPED - timedelta(days=8))
    make_capacity(
        cell,
        210.0,
        tested_at=STOPPED,
        source=CapacityTest.Source.IMPORTED,
        file_sha256="a" * 64,
        row=2,
        imported_by=cast.tola,
    )

    known = evidence_of(cell)

    assert known.capacity is not None
    assert known.capacity.capacity_ah == 199.0


@pytest.mark.parametrize(
    ("state", "token", "seen"),
    [
        (RunState.RUNNING, 1, True),
        (RunState.ERROR, 1, True),
        (RunState.STOPPED, 1, True),
        (RunState.STOPPED, None, False),
        (RunState.QUEUED, None, True),
        (RunState.REFUSED, 1, False),
    ],
)
def test_sees_a_later_run_that_moved_charge_or_may_yet(
    cast: Cast, state: RunState, token: int | None, seen: bool
) -> None:
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    job = factories.make_job(
        by=cast.tola, cells=bank.cells, claimed_at=factories.make_station(), now=NOW
    )
    later = factories.make_run(by=cast.tola, job=job, state=state, now=NOW, token=token)

    assert evidence_of(bank.cells[0]).run_since == (later.pk if seen else None)


def test_the_hash_is_the_same_whoever_reads_it_and_when(cast: Cast) -> None:
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    cells = bank.cells
    for cell in cells:
        make_capacity(cell)

    alone = [evidence_of(cell).sha256 for cell in cells]
    approve(cells, by=cast.sade, now=NOW)
    together = evidence_of_cells(cells[::-1])

    assert alone == [together[cell.serial].sha256 for cell in cells]
    assert len(set(alone)) == 4


def test_reads_any_number_of_cells_in_the_same_number_of_queries(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    cells = [cell for _ in range(3) for cell in make_bank(by=cast.tola, stopped=STOPPED).cells]
    for cell in cells:
        make_capacity(cell)
    approve(cells, by=cast.sade, now=NOW)

    with django_assert_max_num_queries(17):
        assert len(evidence_of_cells(cells)) == 12


def test_a_recheck_comes_with_its_whole_group(cast: Cast) -> None:
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    assert bank.check is not None
    stop = OffProof(STOPPED, STOPPED, 0.0)
    check = VoltageCheck.objects.create(
        kind="RECHECK",
        meter=bank.check.meter,
        target_v=3.65,
        current_stopped_at=stop.at,
        current_stopped_received_at=stop.received_at,
        policy_version=bank.check.policy_version,
        by=cast.tola,
        simulated=False,
        recorded_at=STOPPED + timedelta(hours=5),
    )
    for position, cell in enumerate(bank.cells, start=1):
        CellVoltage.objects.create(
            voltage_check=check,
            cell=cell,
            position=position,
            voltage_v=3.4,
            low_v=3.34,
            at=STOPPED + timedelta(hours=5),
            received_at=STOPPED + timedelta(hours=5),
            verdict="PASS",
        )

    known = evidence_of(bank.cells[0])

    assert known.recheck is not None
    assert [r.serial for r in known.recheck.group] == [cell.serial for cell in bank.cells]
    assert known.disconnect is not None
    assert known.disconnect.check_id == bank.check.pk


def test_without_a_policy_nothing_is_judged(cast: Cast) -> None:
    with pytest.raises(Refusal, match="No policy"):
        gate_policy()
