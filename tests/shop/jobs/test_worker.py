"""The real Celery worker of a station: told to end, it stops its run safely first (F4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

import pytest
import redis
from django.conf import settings as live
from django.db import connection, transaction
from pytest_django import Settings

from shop import clock
from shop.evidence.models import Balance
from shop.jobs import reaper, shutdown
from shop.jobs.models import Run
from shop.jobs.services.starts import send_run
from shop.jobs.states import JobState, RunState
from shop.packs.models import Pack
from shop.packs.services import assemble_pack
from shop.readings.chunks import readings_of
from shop.readings.models import Manifest, ReadingChunk
from shop.trace.queries import pack_trace
from stations.clock import wall_now
from stations.journal import read_records
from stations.plain import from_plain
from stations.values import Reading
from tests.cast import Cast
from tests.faults.matrix import Trial
from tests.shop.jobs.shop_bench import ShopBench, is_in_cv, shop_bench
from tests.shop.packs.factories import approve, make_capacity, make_design
from tests.stations.sim.harness import ROOT
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = {
    "LEASE_TTL_S": 4.0,
    "LEASE_RENEW_S": 1.0,
    "LEASE_GRACE_S": 1.0,
    "SELF_FENCE_S": 3.0,
    "TAKEOVER_S": 2.0,
    "UPLINK_PERIOD_S": 0.25,
    "RESEND_S": 2.0,
}
STOP_WITHIN_S = 3.0  # output off after the signal, by the truth log


@contextmanager
def station_worker(
    bench: ShopBench, env: dict[str, str], stdout: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    slug = bench.station.slug
    program = [sys.executable, "-m", "celery", "-q", "-A", "deploy", "worker"]
    options = ["-P", "prefork", "-c", "1", "-Q", f"station.{slug}", "-n", f"station-{slug}@%h"]
    # The bench's folder is in this session's data, the database and broker are named by URL.
    env = env | {"CELLSHOP_DATA": str(live.CELLSHOP_DATA)}
    quiet = ["--without-gossip", "--without-mingle", "-l", "INFO"]
    process = subprocess.Popen([*program, *options, *quiet], cwd=ROOT, env=env, stdout=stdout)
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


def test_sigterm_interrupts_the_run_with_its_output_off(process_env: dict[str, str]) -> None:
    with shop_bench() as bench, station_worker(bench, process_env) as worker:
        run = bench.start()
        send_run(run.pk, bench.station.slug)
        bench.connect(run)
        bench.at_step(run, "balance")
        wait_until(bench.guarded.sim.output_is_on, within_s=20)

        told_at = wall_now()
        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=60) == 0
        assert off_at(bench, told_at) <= STOP_WITHIN_S
        run = Run.objects.get(pk=run.pk)
        assert (run.state, run.job.state) == (RunState.INTERRUPTED, JobState.IN_PROGRESS)
        assert run.cause == shutdown.WORDS
        wait_until(lambda: Run.objects.get(pk=run.pk).journal_closed_at, within_s=10)


def test_sigterm_before_the_bench_is_open_leaves_nothing_running(
    process_env: dict[str, str], tmp_path: Path
) -> None:
    """Won the lease, no session yet: whoever asks the guardian then finds nothing to stop."""
    log = tmp_path / "worker.log"
    with (
        shop_bench() as bench,
        log.open("wb") as told,
        station_worker(bench, process_env, stdout=told) as worker,
    ):
        run = bench.start()
        with holding_back("shop_calibration"):  # which the worker reads before it opens
            send_run(run.pk, bench.station.slug)
            wait_until(lambda: Run.objects.get(pk=run.pk).state == RunState.LEASED, within_s=60)
            worker.send_signal(signal.SIGTERM)
            wait_until(lambda: b"Warm shutdown" in log.read_bytes(), within_s=20)

        assert worker.wait(timeout=60) == 0
        run = Run.objects.get(pk=run.pk)
        assert (run.state, run.cause) == (RunState.INTERRUPTED, shutdown.WORDS)
        assert bench.guarded.link.status()["session"] is None
        assert not bench.guarded.sim.truth("relay") or not bench.guarded.sim.output_is_on()


@contextmanager
def holding_back(table: str) -> Iterator[None]:
    """Whoever reads this table waits until the block is left."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("victim", ["main", "child"])
@pytest.mark.fault(
    "2",
    "kill -9 of the worker in the CV hold; it resumes",
    trials=1,
    limit_s=5.0,
    in_ci=("main",),
)
def test_a_run_killed_in_its_cv_hold_resumes_by_rule_and_finishes(
    process_env: dict[str, str],
    redis_client: redis.Redis,
    settings: Settings,
    victim: str,
    trial: Trial,
) -> None:
    """F4: off, every sample stored once, a second attempt with a newer token, one balance."""
    for name, value in SHORT.items():
        setattr(settings, name, value)
    env = process_env | {name: str(value) for name, value in SHORT.items()}
    with shop_bench() as bench, ExitStack() as workers:
        worker = workers.enter_context(station_worker(bench, env))
        run = bench.start(cv_min_s=1200.0, resume_rest_s=2.0)
        send_run(run.pk, bench.station.slug)
        bench.connect(run)
        wait_until(partial(is_in_cv, redis_client, bench), within_s=60)

        pid = worker.pid if victim == "main" else child_of(worker.pid)
        killed_at = wall_now()
        os.kill(pid, signal.SIGKILL)
        bench.guarded.wait_off(killed_at, within_s=5.0)
        trial.happened(wait_until(partial(is_gone, pid)))
        trial.off_after(off_at(bench, killed_at))
        if victim == "main":
            workers.enter_context(station_worker(bench, env))

        wait_until(partial(has_attempt, run, 2), within_s=60, period_s=0.2)
        assert stored(run, attempt=1) == taken(bench, run, attempt=1)
        bench.at_step(run, "finish")
        bench.confirm(run, "finish")
        bench.unlink(run)
        wait_until(partial(is_over, run), within_s=60, period_s=0.2)

    assert (run.state, run.cause, run.job.state) == (RunState.FINISHED, "done", JobState.DONE)
    assert stored(run, attempt=2) == taken(bench, run, attempt=2)
    first, second = (m.body for m in Manifest.objects.filter(run=run).order_by("attempt"))
    assert first["outcome"]["state"] == RunState.INTERRUPTED
    assert [e["attempt"] for e in second["earlier_attempts"]] == [1]
    assert second["token"] > first["token"]
    assert second["gaps_s"]  # at least between the two; a busy machine may stutter elsewhere
    balance = Balance.objects.get(run=run)
    assert balance.completeness == "COMPLETE"
    assert "interrupted for" in balance.remark
    shown = pack_trace(packed(run, bench.cast))
    assert (shown.valid, len(shown.cells)) == (True, 4)
    assert shown.balances[0].longest_gap_s > 0  # F8: a customer sees that it was interrupted


def packed(run: Run, cast: Cast) -> Pack:
    """The story's end: capacities known, approved, through the gate."""
    cells = [row.cell for row in run.job.job_cells.order_by("position")]
    for cell in cells:
        make_capacity(cell)
    approve(cells, by=cast.sade, now=clock.now())
    return assemble_pack(
        serial=f"P-{run.pk}",
        design=make_design(),
        cells=cells,
        customer=None,
        by=cast.bayo,
        simulated=True,
        sample=False,
        now=clock.now(),
    )


def test_a_kept_connection_that_died_between_two_runs_delays_none(
    process_env: dict[str, str],
) -> None:
    env = process_env | {"DATABASE_ROLE": "bench"}  # whose processes keep their connection
    with shop_bench() as bench, station_worker(bench, env):
        for _ in range(2):
            run = bench.start()  # which sends it once, and nobody does again
            bench.at_step(run, "connect")
            bench.guarded.link.stop(reason="enough")
            wait_until(partial(is_over, run), within_s=30)

            assert end_connections() > 1


def is_gone(pid: int) -> bool:
    """Dead, if not yet waited for."""
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def is_over(run: Run) -> bool:
    reaper.reap(now=clock.now())
    run.refresh_from_db()
    return run.is_over


def has_attempt(run: Run, number: int) -> bool:
    assert not is_over(run), run.cause
    return run.attempt == number


def stored(run: Run, *, attempt: int) -> list[tuple[int, datetime, float]]:
    chunks = ReadingChunk.objects.filter(run=run, attempt=attempt).order_by("first_seq")
    return [
        (reading.seq, reading.at, reading.voltage_v)
        for chunk in chunks
        for reading in readings_of(bytes(chunk.payload), first_seq=chunk.first_seq)
    ]


def end_connections() -> int:
    """As a restart of the database does to everybody but us; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def child_of(pid: int) -> int:
    """The pool's one process: the child that is neither a helper of ours nor a zombie."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[-1])


def taken(bench: ShopBench, run: Run, *, attempt: int) -> list[tuple[int, datetime, float]]:
    """What the guardian took, as journalled."""
    path = bench.guarded.sim.config.journal / f"{run.pk}-{attempt}.jsonl"
    samples = [r.body["reading"] for r in read_records(path)[0] if r.kind == "sample"]
    readings = [from_plain(Reading, sample) for sample in samples]
    return [(reading.seq, reading.at, reading.voltage_v) for reading in readings]


def off_at(bench: ShopBench, since: datetime) -> float:
    """Seconds from `since` to the relay's opening, by the truth log."""
    return bench.guarded.off_since(since)
