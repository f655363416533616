"""B12 on a real process tree: each cell alone on the leads, its own figures, stop and check."""

from __future__ import annotations

import httpx
import pytest
from django.conf import settings

from shop import clock
from shop.cells.models import Cell
from shop.evidence.models import Balance, VoltageCheck
from shop.evidence.parted import parted_cells
from shop.evidence.queries import evidence_of_cells, gate_policy
from shop.jobs import recipes
from shop.jobs.models import Run
from shop.jobs.services.acts import request_stop
from shop.jobs.states import JobState, RunState
from shop.packs.findings import Plan, Verdict
from shop.packs.rules import balance as g3
from shop.packs.rules import disconnect as g4
from shop.packs.rules import freshness as g5
from shop.packs.rules import spread as g6
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey
from shop.verification.walk import Walk
from tests import factories
from tests.factories import NOON
from tests.shop.jobs.shop_bench import QUICK, ShopBench, shop_bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def walk() -> Walk:
    keys = {
        purpose: trusted_keys(settings.CELLSHOP_KEYS, purpose)
        for purpose in SigningKey.Purpose.values
    }
    return Walk(keys)


def started(bench: ShopBench) -> Run:
    parameters = recipes.top_balance.defaults() | QUICK
    recipe = factories.make_recipe_of("individual_top_balance", parameters, by=bench.cast.sade)
    return bench.start(recipe_version=recipe)


def cells_of(run: Run) -> list[Cell]:
    return [row.cell for row in run.run_cells.order_by("position")]


def test_four_cells_one_by_one_from_start_to_the_gate() -> None:
    with shop_bench() as bench:
        run = started(bench)
        with bench.worker(run):
            for cell in (1, 2, 3, 4):
                bench.turn(run, cell)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        balance = Balance.objects.get(run=run)
        assert (balance.method, balance.completeness) == ("TOP_CELL", "COMPLETE")
        rows = list(balance.cells.order_by("position"))
        stops = [row.current_stopped_received_at or NOON for row in rows]
        assert len(set(stops)) == 4
        assert stops == sorted(stops)
        assert {row.completeness for row in rows} == {"COMPLETE"}
        checks = VoltageCheck.objects.filter(run=run, kind="DISCONNECT").order_by("pk")
        assert [check.current_stopped_received_at for check in checks] == stops
        assert [check.cells.get().position for check in checks] == [1, 2, 3, 4]
        assert not list(walk().faults())
        cells = cells_of(run)
        parted = parted_cells(cells)
        assert [parted[cell.pk].stopped.received_at for cell in cells] == stops

        evidence = list(evidence_of_cells(cells).values())
        serials = tuple(cell.serial for cell in cells)
        plan = Plan(4, 1, "SOLAR", serials, by=bench.cast.bayo.pk, simulated=True)
        _, policy = gate_policy()
        for rule in (g3, g4, g5, g6):
            found = list(rule.judge(plan, evidence, policy, clock.now()))
            assert {finding.verdict for finding in found} == {Verdict.PASS}, found
        fresh = list(g5.judge(plan, evidence, policy, stops[0] + policy.fresh_for))
        assert {finding.verdict for finding in fresh} == {Verdict.PASS}
        late = list(g5.judge(plan, evidence, policy, stops[1] + policy.fresh_for))
        assert [finding.verdict for finding in late] == [Verdict.FAIL, *[Verdict.PASS] * 3]


def test_a_stop_between_two_cells_keeps_what_the_first_one_got() -> None:
    with shop_bench() as bench:
        run = started(bench)
        with bench.worker(run):
            bench.turn(run, 1)
            bench.at_step(run, "connect-2")
            request_stop(run=run, by=bench.cast.bayo, now=clock.now())

        assert run.state == RunState.STOPPED
        balance = Balance.objects.get(run=run)
        assert balance.completeness == "COMPLETE"
        assert [row.position for row in balance.cells.all()] == [1]
        known = evidence_of_cells(cells_of(run))
        first, *others = (known[cell.serial] for cell in cells_of(run))
        assert first.balance is not None
        assert first.disconnect is not None
        assert [other.balance for other in others] == [None] * 3
        assert not list(walk().faults())


def test_hands_put_the_leads_on_one_cell_only_while_all_lie_alone() -> None:
    with shop_bench(alive=False) as bench:
        hands = bench.guarded.sim.hands
        assert hands.post("/leads/cell/2")["alone"] == 2
        assert hands.post("/leads/off")["alone"] == 0
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            hands.post("/leads/cell/5")
        hands.post("/links/on")
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            hands.post("/leads/cell/2")


def test_a_router_moves_the_leads_and_a_person_acts_twice() -> None:
    """B12 at a station with a router: between the first cell and the last nobody is asked."""
    with shop_bench(with_router=True) as bench:
        run = started(bench)
        with bench.worker(run):
            bench.at_step(run, "connect")
            bench.confirm(run, "connect")
            bench.at_step(run, "unlink")
            bench.confirm(run, "unlink")

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        balance = Balance.objects.get(run=run)
        assert {row.completeness for row in balance.cells.all()} == {"COMPLETE"}
        checks = VoltageCheck.objects.filter(run=run, kind="DISCONNECT")
        assert {check.cells.get().verdict for check in checks} == {"PASS"}
        assert checks.count() == 4
        routes = [record["cells"] for record in bench.guarded.sim.truth("routes")]
        assert {len(cells) for cells in routes} == {0, 1}
        assert not list(walk().faults())
