"""B5 through driver, guardian and worker: a recipe that makes up for bad leads, in its limits."""

from __future__ import annotations

import pytest

from shop.evidence.models import Balance
from shop.jobs.models import Run
from shop.jobs.states import RunState
from stations.journal import read_records
from tests.shop.jobs.shop_bench import ShopBench, shop_bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

TARGET_V = 3.65


def asked_v(bench: ShopBench, run: Run) -> list[float]:
    """Every set-point that the bench was asked for, in order."""
    journal = bench.guarded.sim.config.journal / f"{run.pk}-{run.attempt}.jsonl"
    events = [r.body["event"] for r in read_records(journal)[0] if r.kind == "event"]
    return [
        e["data"]["setpoint"]["voltage_v"] for e in events if e["kind"] in ("configured", "set")
    ]


def test_a_balance_through_bad_leads_rises_by_fifty_millivolts_and_no_more() -> None:
    with shop_bench(soc=0.97, lead_ohm=0.025) as bench:
        run = bench.start(compensate_leads_v=0.050)
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "balance")
            bench.confirm(run, "finish")
            bench.unlink(run)

        assert run.state == RunState.FINISHED, run.cause
        assert Balance.objects.get().completeness == "COMPLETE"
        asked = asked_v(bench, run)
        assert max(asked) == pytest.approx(TARGET_V + 0.050)
        record = next(r for r in run.manifests.get().body["records"] if r["step"] == "balance")
        assert dict(record["facts"])["peak_voltage_v"] <= 3_655_000
