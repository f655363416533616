"""G2 by capacities that were measured here: counted, traced to run and instruments, or refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.evidence.models import CapacityTest
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import evidence_of
from shop.evidence.taking_back import withdraw
from shop.jobs.policies import Policy
from shop.packs.findings import Finding, Verdict
from shop.packs.queries import judged, plan_of
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast
from tests.played import play_capacity, play_run
from tests.shop.packs.factories import approve, make_design

NOON = factories.NOON
LATER = NOON + timedelta(minutes=20)


@pytest.fixture
def station(cast: Cast) -> Station:
    factories.make_policy(by=cast.sade)
    return factories.make_station(load=True, now=NOON - timedelta(days=3))


@pytest.fixture
def cells(cast: Cast, station: Station) -> list[Cell]:
    """Four cells, each measured the day before, then balanced together until noon."""
    made = factories.make_cells(4)
    for number, cell in enumerate(made):
        began_at = NOON - timedelta(hours=30 - 5 * number)
        by = cast.kemi if number == 0 else cast.tola
        play_capacity(by=by, cell=cell, station=station, began_at=began_at)
    play_run(by=cast.bayo, cells=made, station=station, ended_at=NOON)
    return made


def gate(cast: Cast, cells: list[Cell], *, simulated: bool = True) -> list[Finding]:
    plan = plan_of(make_design(), cells, cast.bayo, simulated=simulated, sample=False)
    found = judged(plan, cells, GatePolicy.of(Policy()), LATER)
    return list(found.findings)


def of_rule(found: list[Finding], rule: str) -> list[Finding]:
    return [finding for finding in found if finding.rule == rule]


def test_the_gate_takes_capacities_that_were_measured_here(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    capacities = of_rule(gate(cast, cells), "G2")

    assert {finding.verdict for finding in capacities} == {Verdict.PASS}
    assert all("measured here" in finding.words for finding in capacities[:4])
    tests = CapacityTest.objects.order_by("pk")
    assert [test.cell for test in tests] == cells
    assert all(190 < test.capacity_ah < 195 for test in tests)


def test_whoever_measured_a_cell_does_not_approve_it(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    """G1: kemi measured the first cell, bayo balanced it."""
    assert evidence_of(cells[0]).ran_by == frozenset({cast.kemi.pk, cast.bayo.pk})

    with pytest.raises(Refusal):
        approve(cells[:1], by=cast.kemi, now=LATER)
    approve(cells, by=cast.sade, now=LATER)

    assert evidence_of(cells[0]).approval is not None


def test_a_load_whose_certificate_is_withdrawn_takes_the_capacities_with_it(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    """G7"""
    assert {f.verdict for f in of_rule(gate(cast, cells), "G7")} == {Verdict.PASS}
    load = station.instruments.get(role="load")

    withdraw(calibration=load.calibrations.get(), words="it was dropped", by=cast.sade, now=LATER)

    refused = [f for f in of_rule(gate(cast, cells), "G7") if f.verdict != Verdict.PASS]
    assert refused
    assert all(load.serial_number in finding.words for finding in refused)


def test_a_simulated_capacity_is_for_simulated_packs(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    assert evidence_of(cells[0]).capacity is not None
    assert evidence_of(cells[0]).capacity.simulated  # type: ignore[union-attr]
    refused = of_rule(gate(cast, cells, simulated=False), "simulated")
    assert [finding.verdict for finding in refused] == [Verdict.FAIL]


def test_a_capacity_test_after_it_makes_a_balance_history(
    cast: Cast, station: Station, cells: list[Cell]
) -> None:
    later = NOON + timedelta(hours=1)

    run = play_capacity(by=cast.tola, cell=cells[0], station=station, began_at=later)

    assert evidence_of(cells[0]).run_since == run.pk
    with pytest.raises(Refusal):
        approve(cells, by=cast.sade, now=later + timedelta(days=1))
