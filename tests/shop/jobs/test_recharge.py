"""B17: one cell topped up alone, to the target of its neighbours; planned, refused, and run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop import clock
from shop.evidence.models import Balance, VoltageCheck
from shop.evidence.queries import evidence_of_cells, gate_policy
from shop.jobs import recipes
from shop.jobs.models import RecipeVersion, Run
from shop.jobs.planning import plan
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.services.starts import start_run
from shop.jobs.states import RunState
from shop.packs.findings import Plan, Verdict
from shop.packs.rules import balance as g3
from shop.packs.rules import disconnect as g4
from shop.packs.rules import spread as g6
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.jobs.shop_bench import QUICK, ShopBench, shop_bench
from tests.shop.packs.factories import make_bank
from tests.wait import wait_until


def recipe(cast: Cast, **parameters: object) -> RecipeVersion:
    return factories.make_recipe_of(
        "cell_recharge", recipes.top_balance.defaults() | parameters, by=cast.sade
    )


@pytest.mark.django_db
def test_a_recharge_is_done_to_one_cell(cast: Cast) -> None:
    bank = make_bank(by=cast.tola, stopped=NOON - timedelta(minutes=20))

    with pytest.raises(Refusal, match="done to one cell, not 2"):
        create_job(recipe_version=recipe(cast), cells=bank.cells[:2], by=cast.tola, now=NOON)

    job = create_job(recipe_version=recipe(cast), cells=bank.cells[:1], by=cast.tola, now=NOON)
    planned = plan(job, factories.make_station())
    assert planned.program.cells == 1
    assert planned.facts["tail_done_a"] == pytest.approx(0.25)


@pytest.mark.django_db
def test_a_recharge_to_another_target_is_refused_at_planning(cast: Cast) -> None:
    """B13: one target per group."""
    bank = make_bank(by=cast.tola, stopped=NOON - timedelta(minutes=20))
    lower = recipe(cast, target_v=3.60)
    job = create_job(recipe_version=lower, cells=bank.cells[:1], by=cast.tola, now=NOON)

    with pytest.raises(Refusal, match=r"balanced to 3\.65 V and would be recharged to 3\.60 V"):
        plan(job, factories.make_station())


@pytest.mark.django_db
def test_a_cell_that_was_never_balanced_is_not_recharged(cast: Cast) -> None:
    cells = factories.make_cells(1)
    job = create_job(recipe_version=recipe(cast), cells=cells, by=cast.tola, now=NOON)

    with pytest.raises(Refusal, match="Balance it with the others"):
        plan(job, factories.make_station())


def balanced(bench: ShopBench) -> Run:
    run = bench.start()
    with bench.worker(run):
        bench.connect(run)
        bench.at_step(run, "balance")
        bench.confirm(run, "finish")
        bench.unlink(run)
    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_a_cell_is_recharged_on_a_bench_that_is_wired_for_four() -> None:
    with shop_bench() as bench:
        first = balanced(bench)
        cells = [row.cell for row in first.run_cells.order_by("position")]
        now = clock.now()
        job = create_job(
            recipe_version=recipe(bench.cast, **QUICK),
            cells=cells[:1],
            by=bench.cast.tola,
            now=now,
        )
        claim_job(job=job, station=bench.station, by=bench.cast.tola, now=now)
        wait_until(bench.is_off, what="the uplink says OFF")
        run = start_run(job=job, by=bench.cast.tola, now=clock.now())
        with bench.worker(run):
            bench.turn(run, 1)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        balance = Balance.objects.get(run=run)
        assert (balance.method, balance.completeness) == ("TOP_CELL", "COMPLETE")
        assert [row.cell for row in balance.cells.all()] == cells[:1]
        check = VoltageCheck.objects.get(run=run, kind="DISCONNECT")
        assert check.cells.get().verdict == "PASS"

        evidence = list(evidence_of_cells(cells).values())
        serials = tuple(cell.serial for cell in cells)
        pack = Plan(4, 1, "SOLAR", serials, by=bench.cast.bayo.pk, simulated=True)
        _, policy = gate_policy()
        for rule in (g3, g4, g6):  # with its three neighbours of the bank
            found = list(rule.judge(pack, evidence, policy, clock.now()))
            assert {finding.verdict for finding in found} == {Verdict.PASS}, found
