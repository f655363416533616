"""A gap in a capacity measurement makes it worth nothing: it is not resumed, and leaves no test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import redis

from shop import clock
from shop.evidence.models import CapacityTest
from shop.evidence.queries import evidence_of
from shop.jobs import reaper
from shop.jobs.models import Run
from shop.jobs.states import JobState, RunState
from shop.readings.models import Manifest
from stations.clock import wall_now
from tests.faults.matrix import Trial
from tests.faults.night import pause
from tests.shop.jobs.shop_bench import ShopBench, draws, shop_bench
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
FROZEN_S = 7.0


def guardian_frozen(bench: ShopBench) -> tuple[bool, datetime]:
    """For longer than a hole may be; the moment at which it goes on."""
    pid = bench.guarded.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        pause(FROZEN_S)
        frozen = Path(f"/proc/{pid}/stat").read_text().split()[2] == "T"
    finally:
        woken = wall_now()
        os.kill(pid, signal.SIGCONT)
    return frozen, woken


def meter_silent(bench: ShopBench) -> tuple[bool, datetime]:
    silent = wall_now()
    bench.guarded.sim.hands.fault("meter", "silence")
    wait_until(lambda: not bench.guarded.sim.output_is_on())
    bench.guarded.sim.hands.fault("meter", "none")
    faults = [r["fault"] for r in bench.guarded.sim.truth("fault")]
    return faults == ["silence", "none"], silent


@pytest.mark.fault("37", "a gap in a capacity measurement", trials=2, limit_s=5.0)
@pytest.mark.parametrize("gap", [guardian_frozen, meter_silent])
def test_a_gap_in_the_discharge_leaves_no_capacity(
    trial: Trial, gap: Callable[[ShopBench], tuple[bool, datetime]], redis_client: redis.Redis
) -> None:
    with shop_bench(with_load=True) as bench:
        run = bench.start_capacity()
        with bench.worker(run):
            bench.connect_alone(run)
            bench.at_step(run, "discharge")
            wait_until(lambda: draws(redis_client, bench), within_s=20)
            happened, since = gap(bench)
        trial.happened(happened)
        trial.off_after(bench.guarded.off_since(since))

        wait_until(lambda: may_go_on(run), within_s=60, what="the run to be interrupted")
        before = len(bench.guarded.sim.truth("load"))
        with bench.worker(run):  # whoever takes it up again
            pass

        assert (run.state, "in one go" in run.cause) == (RunState.ERROR, True), run.cause
        assert run.job.state == JobState.CLAIMED
        assert len(bench.guarded.sim.truth("load")) == before  # nothing was energised
        assert not CapacityTest.objects.exists()
        assert evidence_of(run.run_cells.get().cell).capacity is None
        records = Manifest.objects.get(run=run).body["records"]
        assert records[-1]["kind"] == "discharge"
        assert "cut short" in records[-1]["remarks"]


def may_go_on(run: Run) -> bool:
    reaper.reap(now=clock.now())
    run.refresh_from_db()
    return run.state == RunState.INTERRUPTED and run.journal_closed_at is not None
