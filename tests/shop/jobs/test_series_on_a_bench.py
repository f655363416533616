"""B10 on a real process tree: a string is charged behind its BMS; it leaves no balance (G9)."""

from __future__ import annotations

import pytest
from django.conf import settings

from shop.evidence.models import Balance, VoltageCheck
from shop.evidence.queries import evidence_of_cells
from shop.jobs import recipes
from shop.jobs.models import RecipeVersion
from shop.jobs.states import JobState, RunState
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey
from shop.verification.walk import Walk
from tests import factories
from tests.shop.jobs.shop_bench import ShopBench, shop_bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

SOC = (0.985, 0.97, 0.97, 0.97)


def recipe_of(bench: ShopBench) -> RecipeVersion:
    parameters = recipes.series_precharge.defaults()
    return factories.make_recipe_of("series_precharge", parameters, by=bench.cast.sade)


def test_a_precharge_from_start_to_its_last_measurement() -> None:
    with shop_bench(socs=SOC, speed=120.0, with_bms=True) as bench:
        run = bench.start(recipe_version=recipe_of(bench))
        with bench.worker(run):
            bench.at_step(run, "assemble")
            bench.guarded.sim.hands.post("/string/on")
            bench.confirm(run, "assemble")
            bench.unlink(run)

        assert run.state == RunState.FINISHED, run.cause
        # At this speed samples are seconds apart, and either may be first.
        ends = ("done: cell 1 is full: 3.6", "done: the BMS opened: cell 1 at 3.6")
        assert run.cause.startswith(ends), run.cause
        assert run.job.state == JobState.DONE
        assert not Balance.objects.filter(run=run).exists()
        before, after = VoltageCheck.objects.filter(run=run).order_by("pk")
        assert (before.meter.role, before.current_stopped_at) == ("bms", None)
        assert after.current_stopped_at is not None
        cells = [row.cell for row in run.run_cells.select_related("cell")]
        assert {known.series_run for known in evidence_of_cells(cells).values()} == {run.pk}
        keys = {
            purpose: trusted_keys(settings.CELLSHOP_KEYS, purpose)
            for purpose in SigningKey.Purpose.values
        }
        assert not list(Walk(keys).faults())


def test_a_bms_that_opens_early_gives_the_job_back_and_says_so() -> None:
    with shop_bench(socs=SOC, speed=120.0, with_bms=True) as bench:
        run = bench.start(recipe_version=recipe_of(bench))
        with bench.worker(run):
            bench.at_step(run, "assemble")
            bench.guarded.sim.hands.fault("bms", "opens_early")
            bench.guarded.sim.hands.post("/string/on")
            bench.confirm(run, "assemble")

        assert run.state == RunState.ERROR
        assert "the BMS opened early" in run.cause
        assert run.job.state == JobState.CLAIMED
        assert not bench.guarded.sim.output_is_on()
