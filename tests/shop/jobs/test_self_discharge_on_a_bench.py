"""A self-discharge watch on a real process tree: the check of today against one of days ago."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop import clock
from shop.cells.models import Cell
from shop.evidence.models import VoltageCheck
from shop.jobs.models import Run
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.quality.models import Nonconformance
from shop.shelf.second_checks import open_due
from stations.journal import read_records
from tests import factories
from tests.played import play_watch
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def checked(bench: ShopBench, cells: list[Cell]) -> Run:
    """As people do it: the job that opened by itself, or one of the recipe; claimed and started."""
    opened = open_due(now=clock.now())
    recipe = factories.make_recipe_of("self_discharge", {}, by=bench.cast.sade)
    job = (
        opened[0]
        if opened
        else create_job(recipe_version=recipe, cells=cells, by=bench.cast.bayo, now=clock.now())
    )
    claim_job(job=job, station=bench.station, by=bench.cast.bayo, now=clock.now())
    wait_until(bench.is_off, what="the uplink says OFF")
    run = start_run(job=job, by=bench.cast.bayo, now=clock.now())
    with bench.worker(run):
        bench.at_step(run, "place")
        bench.confirm(run, "place")
    return run


def test_a_first_check_and_one_that_comes_too_early() -> None:
    with shop_bench(soc=0.998) as bench:
        cells = factories.make_cells(4)

        run = checked(bench, cells)
        again = checked(bench, cells)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert again.state == RunState.REFUSED
        assert "The first check was 0 h ago" in again.cause
        check = VoltageCheck.objects.get()
        assert (check.kind, check.run, check.compared_with) == ("WATCH", run, None)
        assert {row.verdict for row in check.cells.all()} == {"PASS"}
        assert bench.guarded.sim.truth("relay") == []


def test_the_second_check_compares_what_the_bench_reads_now() -> None:
    """All had 99.8 % three days ago; on the table one has lost 1 %, the others 0.2 %."""
    with shop_bench(socs=(0.9960, 0.9880, 0.9962, 0.9958)) as bench:
        cells = factories.make_cells(4)
        first = play_watch(
            by=bench.cast.tola,
            cells=cells,
            station=bench.station,
            began_at=clock.now() - timedelta(days=3, hours=1),
            lost_month=(0.0,) * 4,
        )

        run = checked(bench, cells)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        check = VoltageCheck.objects.get(run=run)
        assert check.compared_with == VoltageCheck.objects.get(run=first)
        assert (check.simulated, check.meter.role) == (True, "scanner")
        verdicts = [row.verdict for row in check.cells.order_by("position")]
        assert verdicts == ["PASS", "FAIL", "PASS", "PASS"]
        assert Nonconformance.objects.get().cell == cells[1]
        journal = bench.guarded.sim.config.journal / f"{run.pk}-{run.attempt}.jsonl"
        samples = [r.body["reading"] for r in read_records(journal)[0] if r.kind == "sample"]
        assert samples
        assert not any(sample["output_on"] for sample in samples)
