"""B3 on a real process tree: low cells are levelled and measured; it leaves no balance."""

from __future__ import annotations

import pytest
from django.conf import settings

from shop.evidence.models import Balance, VoltageCheck
from shop.jobs import recipes
from shop.jobs.states import JobState, RunState
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey
from shop.verification.walk import Walk
from tests import factories
from tests.shop.jobs.shop_bench import shop_bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def test_a_levelling_from_start_to_its_last_measurement() -> None:
    with shop_bench(soc=0.40) as bench:
        recipe = factories.make_recipe_of(
            "levelling", recipes.levelling.defaults() | {"dwell_s": 60.0}, by=bench.cast.sade
        )
        run = bench.start(recipe_version=recipe)
        with bench.worker(run):
            bench.connect(run)
            bench.unlink(run)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        assert not Balance.objects.filter(run=run).exists()
        before, after = VoltageCheck.objects.filter(run=run).order_by("pk")
        assert (before.kind, after.kind) == ("PRE_PARALLEL", "PRE_PARALLEL")
        assert before.current_stopped_at is None
        assert after.current_stopped_at is not None
        assert {cell.verdict for cell in after.cells.all()} == {"PASS"}
        keys = {
            purpose: trusted_keys(settings.CELLSHOP_KEYS, purpose)
            for purpose in SigningKey.Purpose.values
        }
        assert not list(Walk(keys).faults())
