"""One run on a real process tree: simulator, guardian, uplink and worker (F1-F4, B1-B7)."""

from __future__ import annotations

from functools import partial

import pytest
import redis

from shop import clock
from shop.equipment.models import StationLease
from shop.evidence.models import Balance, VoltageCheck
from shop.jobs.execution import execute
from shop.jobs.manifest import body_sha256
from shop.jobs.models import JobEvent, Run
from shop.jobs.services.acts import request_stop
from shop.jobs.states import JobState, RunState
from shop.readings.models import Manifest, ReadingChunk
from stations.journal import read_records
from tests import factories
from tests.shop.jobs.shop_bench import ShopBench, is_in_cv, shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def journalled(bench: ShopBench, run: Run) -> int:
    """How many samples the guardian took in this run."""
    path = bench.guarded.sim.config.journal / f"{run.pk}-{run.attempt}.jsonl"
    return sum(record.kind == "sample" for record in read_records(path)[0])


def stored(run: Run) -> int:
    return sum(ReadingChunk.objects.filter(run=run).values_list("count", flat=True))


def test_a_balance_from_start_to_evidence() -> None:
    with shop_bench() as bench:
        run = bench.start()
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "balance")
            bench.confirm(run, "finish")
            bench.unlink(run)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        assert run.job.state == JobState.DONE
        assert stored(run) == journalled(bench, run) == run.stored_seq
        balance = Balance.objects.get(run=run)
        assert (balance.completeness, balance.simulated) == ("COMPLETE", True)
        assert balance.cells.count() == 4
        check = VoltageCheck.objects.get(run=run, kind="DISCONNECT")
        assert {cell.verdict for cell in check.cells.all()} == {"PASS"}
        manifest = Manifest.objects.get(run=run)
        assert manifest.sha256 == balance.manifest_sha256 == body_sha256(manifest.body)
        assert manifest.body["readings"]["count"] == run.stored_seq
        assert manifest.body["attended"] is True  # F4: nothing runs unattended yet
        lease = StationLease.objects.get(station=bench.station)
        assert (lease.owner, lease.run, lease.token) == (None, None, run.token)
        assert not run.run_cells.filter(active=True).exists()
        moves = JobEvent.objects.filter(run=run, kind__startswith="run_")
        assert list(moves.values_list("kind", flat=True)) == [
            "run_leased",
            "run_preflight",
            "run_running",
            "run_stopping",
            "run_finished",
        ]


def test_a_stop_in_the_hold_leaves_a_partial_balance_and_the_job_claimed(
    redis_client: redis.Redis,
) -> None:
    """M5: stopped short of its CV time is partial, and the gate refuses it."""
    with shop_bench() as bench:
        run = bench.start(cv_min_s=6 * 3600.0)
        with bench.worker(run):
            bench.connect(run)
            wait_until(partial(is_in_cv, redis_client, bench), within_s=60)
            request_stop(run=run, by=bench.cast.bayo, now=clock.now())

        assert (run.state, run.cause) == (RunState.STOPPED, "stopped by Bayo")
        assert (run.job.state, run.job.claimed_by) == (JobState.CLAIMED, bench.cast.tola)
        assert not bench.guarded.sim.output_is_on()
        assert stored(run) == journalled(bench, run)
        balance = Balance.objects.get(run=run)
        assert (balance.completeness, balance.cv_s > 0) == ("PARTIAL", True)
        assert not VoltageCheck.objects.filter(run=run, kind="DISCONNECT").exists()


def test_refuses_a_bench_with_another_instrument_than_the_registered_one() -> None:
    """F1: identity is checked before every run."""
    with shop_bench() as bench:
        run = bench.start()
        bench.station.instruments.filter(role="meter").update(serial_number="MY99999999")
        with bench.worker(run):
            pass

        assert run.state == RunState.REFUSED
        assert "MY53200001; 34461A MY99999999 is registered" in run.cause
        assert not bench.guarded.sim.output_is_on()
        assert run.job.state == JobState.CLAIMED


def test_refuses_when_calibration_ends_before_the_run_may() -> None:
    with shop_bench() as bench:
        scanner = bench.station.instruments.get(role="scanner")
        run = bench.start()
        factories.calibrate(scanner, now=clock.now(), days=0.1)  # since the start
        with bench.worker(run):
            pass

        assert run.state == RunState.REFUSED
        assert f"calibration of scanner {scanner.serial_number} is valid until" in run.cause


def test_a_second_delivery_of_the_same_run_does_nothing() -> None:
    with shop_bench() as bench:
        run = bench.start()
        with bench.worker(run):
            bench.at_step(run, "connect")
            execute(run.pk)
            execute(run.pk, redelivered=True)
            run.refresh_from_db()
            assert run.state == RunState.RUNNING
            request_stop(run=run, by=bench.cast.tola, now=clock.now())

        assert run.state == RunState.STOPPED
        assert StationLease.objects.get(station=bench.station).token == 1
