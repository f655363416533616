"""B11 on a real process tree: three voltages, and a balance whose method says so."""

from __future__ import annotations

import pytest

from shop import clock
from shop.evidence.models import Balance, VoltageCheck
from shop.jobs import recipes
from shop.jobs.states import JobState, RunState
from tests import factories
from tests.shop.jobs.shop_bench import QUICK, shop_bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

# A full bank gets to each tail within seconds; the rules stay the same.
SHORT = QUICK | {"tail_basis": "bank", "dwell_s": 30.0}


def test_a_step_and_pause_balance_from_start_to_evidence() -> None:
    with shop_bench(soc=0.9955) as bench:
        recipe = factories.make_recipe_of(
            "step_pause_top_balance", recipes.step_pause.defaults() | SHORT, by=bench.cast.sade
        )
        run = bench.start(recipe_version=recipe)
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "balance")
            bench.confirm(run, "finish")
            bench.unlink(run)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        relays = [act["on"] for act in bench.guarded.sim.truth("relay")]
        assert relays == [True, False] * 3
        balance = Balance.objects.get(run=run)
        assert (balance.method, balance.completeness) == ("TOP_STEP", "COMPLETE")
        assert balance.target_v == 3.60
        check = VoltageCheck.objects.get(run=run, kind="DISCONNECT")
        assert {cell.verdict for cell in check.cells.all()} == {"PASS"}
        assert clock.now() > balance.recorded_at
