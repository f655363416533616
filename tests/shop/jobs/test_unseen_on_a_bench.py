"""B10 on a real process tree: a string that nobody sees, somebody beside it; what it leaves."""

from __future__ import annotations

import pytest
from django.conf import settings

from shop.evidence.models import Balance, VoltageCheck
from shop.evidence.queries import evidence_of_cells
from shop.jobs import recipes
from shop.jobs.models import RecipeVersion
from shop.jobs.states import JobState, RunState
from shop.readings.models import Manifest
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey
from shop.verification.walk import Walk
from tests import factories
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.stations.procedures.test_unseen_precharge import NOT_SEEN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

SOC = (0.95, 0.90, 0.90, 0.90)


def recipe_of(bench: ShopBench) -> RecipeVersion:
    parameters = recipes.unseen_precharge.defaults()
    return factories.make_recipe_of("series_precharge_unseen", parameters, by=bench.cast.sade)


def is_whole() -> bool:
    keys = {
        purpose: trusted_keys(settings.CELLSHOP_KEYS, purpose)
        for purpose in SigningKey.Purpose.values
    }
    return not list(Walk(keys).faults())


def test_a_string_that_nobody_sees_from_start_to_its_end() -> None:
    with shop_bench(socs=SOC, speed=120.0, unseen=True) as bench:
        run = bench.start(recipe_version=recipe_of(bench))
        with bench.worker(run):
            bench.at_step(run, "assemble")
            bench.guarded.sim.hands.post("/string/on")
            bench.confirm(run, "assemble", 3.65)
            bench.unlink(run)

        assert run.state == RunState.FINISHED, run.cause
        assert run.cause.startswith("done: the BMS opened"), run.cause
        assert run.job.state == JobState.DONE
        assert not Balance.objects.filter(run=run).exists()
        assert not VoltageCheck.objects.filter(run=run).exists()
        sealed = Manifest.objects.get(run=run).body["records"]
        said = {record["step"]: record["remarks"] for record in sealed}
        assert all(NOT_SEEN in said[step] for step in ("string", "precharge", "string-after"))
        cells = [row.cell for row in run.run_cells.select_related("cell")]
        assert {known.series_run for known in evidence_of_cells(cells).values()} == {run.pk}
        assert is_whole()


def test_who_has_a_meter_in_the_hand_leaves_a_check_before_and_after() -> None:
    with shop_bench(soc=0.97, speed=120.0, unseen=True, by_hand=True) as bench:
        run = bench.start(recipe_version=recipe_of(bench))
        with bench.worker(run):
            bench.at_step(run, "assemble")
            bench.guarded.sim.hands.post("/string/on")
            bench.confirm(run, "assemble", 3.65)
            for step in ("rested", "precharged"):
                bench.at_step(run, step)
                bench.read_by_hand(run, [1, 2, 3, 4])
            bench.unlink(run)

        assert run.state == RunState.FINISHED, run.cause
        before, after = VoltageCheck.objects.filter(run=run).order_by("pk")
        assert (before.meter.role, before.current_stopped_at) == ("manual", None)
        assert after.current_stopped_at is not None
        assert not Balance.objects.filter(run=run).exists()
        assert is_whole()
