"""B8 on a real process tree: simulator, guardian, uplink and worker; no output is ever enabled."""

from __future__ import annotations

import pytest

from shop import clock
from shop.cells.models import Cell
from shop.evidence.models import Balance, VoltageCheck
from shop.jobs.models import Run
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from stations.journal import read_records
from tests import factories
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def balanced(bench: ShopBench) -> Run:
    run = bench.start()
    with bench.worker(run):
        bench.connect(run)
        bench.at_step(run, "balance")
        bench.confirm(run, "finish")
        bench.unlink(run)
    assert run.state == RunState.FINISHED, run.cause
    return run


def checked_again(bench: ShopBench, cells: list[Cell]) -> Run:
    """As people do it: a job of the re-check's recipe, claimed, started, placed."""
    recipe = factories.make_recheck_recipe(by=bench.cast.sade)
    now = clock.now()
    job = create_job(recipe_version=recipe, cells=cells, by=bench.cast.bayo, now=now)
    claim_job(job=job, station=bench.station, by=bench.cast.bayo, now=now)
    wait_until(bench.is_off, what="the uplink says OFF")
    run = start_run(job=job, by=bench.cast.bayo, now=clock.now())
    with bench.worker(run):
        bench.at_step(run, "place")
        bench.confirm(run, "place")
    return run


def test_a_recheck_from_claim_to_evidence() -> None:
    with shop_bench() as bench:
        first = balanced(bench)
        cells = [row.cell for row in first.run_cells.order_by("position")]
        relays = len(bench.guarded.sim.truth("relay"))

        run = checked_again(bench, cells)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        assert not any(act["on"] for act in bench.guarded.sim.truth("relay")[relays:])
        check = VoltageCheck.objects.get(kind="RECHECK")
        stopped = VoltageCheck.objects.get(kind="DISCONNECT")
        assert (check.run, check.meter.role) == (run, "scanner")
        assert check.current_stopped_received_at == stopped.current_stopped_received_at
        assert [row.cell for row in check.cells.order_by("position")] == cells
        assert {row.verdict for row in check.cells.all()} == {"PASS"}
        assert Balance.objects.get().run == first
        journal = bench.guarded.sim.config.journal / f"{run.pk}-{run.attempt}.jsonl"
        samples = [r.body["reading"] for r in read_records(journal)[0] if r.kind == "sample"]
        assert samples
        assert not any(sample["output_on"] for sample in samples)
