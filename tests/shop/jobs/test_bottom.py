"""B9 through the shop: what a bottom balance leaves, a cell outside, records, a later re-check."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.evidence.models import Balance, CellBalance, VoltageCheck
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import evidence_of_cells
from shop.jobs.models import Run
from shop.jobs.planning import plan
from shop.jobs.policies import Policy
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.versions import store_recipe
from shop.packs.findings import Verdict
from shop.packs.queries import judged, plan_of
from shop.quality.models import Nonconformance
from shop.refusals import Refusal
from shop.shelf.rules import State, shelved
from stations.procedures.rules import RecheckRule
from stations.procedures.steps import Measure
from tests import factories
from tests.cast import Cast
from tests.faults.tampering import change
from tests.faults.verified import first_fault, verify
from tests.played import play_bottom, play_recheck
from tests.shop.packs.factories import approve, make_capacity, make_design

NOON = factories.NOON
POLICY = GatePolicy.of(Policy())


@pytest.fixture
def station(cast: Cast) -> Station:
    factories.make_policy(by=cast.sade)
    return factories.make_station(load=True, now=NOON - timedelta(days=1))


def emptied(cast: Cast, station: Station, cells: list[Cell], leak_month: float = 0.02) -> Run:
    return play_bottom(
        by=cast.tola, cells=cells, station=station, began_at=NOON, leak_month=leak_month
    )


def test_a_cell_outside_gets_a_nonconformance_and_every_record_is_walked(
    cast: Cast, station: Station
) -> None:
    """The third loses a share of its charge in its half hour of rest that no healthy cell does."""
    cells = factories.make_cells(3)
    run = emptied(cast, station, cells, leak_month=1.5)

    verdicts = {
        check.cells.get().cell_id: check.cells.get().verdict
        for check in VoltageCheck.objects.filter(run=run, kind="BOTTOM")
    }
    assert [verdicts[cell.pk] for cell in cells] == ["PASS", "PASS", "FAIL"]
    (note,) = Nonconformance.objects.all()
    assert (note.cell, note.kind) == (cells[2], "BOTTOM_APART")
    assert "is apart from its neighbours at the bottom check" in note.words
    assert Balance.objects.get(run=run).completeness == "COMPLETE"
    verify()

    row = CellBalance.objects.get(balance__run=run, position=2)
    change(CellBalance, row.pk, rested_v=(row.rested_v or 0.0) + 0.004)
    assert first_fault().startswith(f"CellBalance {row.pk} (run {run.pk}): its rested_v is not")


def test_healthy_cells_go_into_a_pack_and_wait_on_the_shelf_until_a_recheck(
    cast: Cast, station: Station
) -> None:
    cells = factories.make_cells(4)
    run = emptied(cast, station, cells)
    ended = run.voltage_checks.latest("pk").recorded_at
    for cell in cells:
        make_capacity(cell, tested_at=NOON - timedelta(days=1))
    approve(cells, by=cast.sade, now=ended)

    asked = plan_of(make_design(application="EV"), cells, cast.bayo, simulated=True, sample=False)
    found = judged(asked, cells, POLICY, ended).findings
    assert {f.verdict for f in found if f.rule != "G5"} <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
    assert [f.verdict for f in found if f.rule == "G5"] == [
        *[Verdict.FAIL] * 2,  # two hours for each cell: the first two have waited too long
        *[Verdict.PASS] * 2,
    ]

    known = evidence_of_cells(cells)
    last = shelved(known[cells[3].serial], POLICY, ended)
    assert last is not None
    assert (last.state, "charge the pack to 20–50 %" in last.do) == (State.FRESH, True)
    old = shelved(known[cells[3].serial], POLICY, ended + timedelta(hours=25))
    assert old is not None
    assert "empty it again before a pack" in old.do

    play_recheck(by=cast.tola, cells=cells, station=station, began_at=ended, soc=0.0025)
    later = ended + timedelta(minutes=5)
    found = judged(asked, cells, POLICY, later).findings
    assert {f.verdict for f in found if f.rule == "G5"} == {Verdict.PASS}, found
    verify()


def test_a_recheck_of_emptied_cells_is_planned_both_ways_and_never_by_hand(
    cast: Cast, station: Station
) -> None:
    cells = factories.make_cells(2)
    emptied(cast, station, cells)
    recipe = store_recipe(name="R", procedure="recheck", parameters={}, by=cast.sade, now=NOON)
    job = create_job(recipe_version=recipe, cells=cells, by=cast.tola, now=NOON)
    claim_job(job=job, station=station, by=cast.tola, now=NOON)

    made = plan(job, station).program

    (rule,) = [step.rule for step in made.steps if isinstance(step, Measure)]
    assert isinstance(rule, RecheckRule)
    assert (rule.both_ways, rule.early_fail_v, rule.floor_v) == (True, 0.030, 2.50)
    by_policy = POLICY.bottom.recheck.rule()
    assert rule == replace(by_policy, banks=rule.banks, temperature_span_k=rule.temperature_span_k)
    with pytest.raises(Refusal, match="compared by a scanner, not one by one"):
        plan(job, factories.make_station(slug="by-hand", by_hand=True, now=NOON))


def test_a_station_without_a_load_cannot_claim_it(cast: Cast) -> None:
    recipe = store_recipe(
        name="B", procedure="bottom_balance", parameters={}, by=cast.sade, now=NOON
    )
    job = create_job(recipe_version=recipe, cells=factories.make_cells(4), by=cast.tola, now=NOON)

    with pytest.raises(Refusal, match="has no load"):
        claim_job(job=job, station=factories.make_station(now=NOON), by=cast.tola, now=NOON)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"target_v": 2.4}, "outside 2.5"),
        ({"stop_below_v": 0.6}, "outside 0.02 … 0.5"),
        ({"third_c": 0.04, "second_c": 0.02}, "must not exceed 'second_c'"),
        ({"rest_s": 2400.0}, "must not exceed 'rest_late_s'"),
        ({"finish": "slow"}, "must be 'steps' or 'cv'"),
        ({"hold_above_v": 0.1}, "outside 0 … 0.03"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(
    cast: Cast, parameters: dict[str, object], words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        store_recipe(
            name="B", procedure="bottom_balance", parameters=parameters, by=cast.sade, now=NOON
        )


def test_a_cells_own_balance_is_not_hidden_behind_the_groups(cast: Cast) -> None:
    """Else a cell that was cut short would pass for its neighbours (M5)."""
    factories.make_policy(by=cast.sade)
    station = factories.make_station(load=True, now=NOON)
    play_bottom(by=cast.tola, cells=factories.make_cells(2), station=station, began_at=NOON)
    row = CellBalance.objects.get(position=2)

    change(
        CellBalance,
        row.pk,
        completeness="",
        remark="",
        tail_a=None,
        cv_s=None,
        charge_ah=None,
        rested_v=None,
        current_stopped_at=None,
        current_stopped_received_at=None,
    )

    assert "its completeness is not as it was sealed" in first_fault()
