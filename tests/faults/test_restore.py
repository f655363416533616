"""Row 45: a backup comes back, and the benches bring the readings that it lacks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from deploy.embedded.binaries import Account, postgres_bin
from shop import clock
from shop.equipment.models import StationLease
from shop.evidence.models import Balance
from shop.jobs.execution import execute
from shop.jobs.models import Run
from shop.jobs.reaper import reap
from shop.jobs.services.acts import request_stop
from shop.jobs.states import RunState
from shop.readings.models import ReadingChunk
from shop.readings.uplink import Uplink
from stations.clock import guard_s
from stations.journal import read_records
from tests import factories
from tests.faults.matrix import Trial
from tests.shop.jobs.shop_bench import ShopBench, shop_bench, ticking
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]
WITHIN_S = 15 * 60.0


@pytest.mark.fault("45", "backup of yesterday restored", trials=1, in_ci=False, limit_s=WITHIN_S)
def test_a_restored_backup_gets_its_readings_again_from_the_bench(
    tmp_path: Path, trial: Trial
) -> None:
    backup = tmp_path / "shop.dump"
    with shop_bench(alive=False) as bench:
        with ticking(Uplink(bench.station)):
            run = run_over_a_backup(bench, backup)
            lost = run_that_stops_at_once(bench)
        whole = ReadingChunk.objects.filter(run=run).count()

        began_s = guard_s()
        restore(backup, tmp_path)
        trial.happened(ReadingChunk.objects.filter(run=run).count() < whole)
        trial.happened(not Run.objects.filter(pk=lost.pk).exists())
        let_a_day_pass(bench)

        with ticking(Uplink(bench.station)):
            wait_until(lambda: may_be_concluded(run), within_s=30)
            execute(run.pk)
            run.refresh_from_db()
            assert (run.state, run.cause) == (RunState.FINISHED, "done")
            assert Balance.objects.get(run=run).completeness == "COMPLETE"
            trial.off_after(guard_s() - began_s)
            assert seqs_stored(run) == seqs_journalled(bench, run)
            assert f"runs {lost.pk} are here" in StationLease.objects.get().alarm
            said = StringIO()
            call_command("verify", stdout=said)
            assert "all of it is what it was" in said.getvalue()

            after = run_that_stops_at_once(bench)
            assert after.pk > lost.pk
            assert after.token is not None
            assert lost.token is not None
            assert after.token > lost.token


def run_over_a_backup(bench: ShopBench, backup: Path) -> Run:
    """A whole balance; the backup is made while it charges."""
    run = bench.start(cv_min_s=1200.0)
    with bench.worker(run):
        bench.connect(run)
        bench.at_step(run, "balance")
        wait_until(lambda: ReadingChunk.objects.filter(run=run).exists(), within_s=30)
        dump(backup)
        bench.confirm(run, "finish")
        bench.unlink(run)
    assert run.state == RunState.FINISHED, run.cause
    return run


def run_that_stops_at_once(bench: ShopBench) -> Run:
    run = bench.start()
    with bench.worker(run):
        bench.at_step(run, "connect")
        request_stop(run=run, by=bench.cast.tola, now=clock.now())
    assert run.state == RunState.STOPPED, run.cause
    return run


def let_a_day_pass(bench: ShopBench) -> None:
    StationLease.objects.filter(station=bench.station).update(
        expires_at=clock.now() - timedelta(days=1)
    )


def may_be_concluded(run: Run) -> bool:
    """Its worker is long gone, and its readings are all back."""
    reap(now=clock.now())
    run.refresh_from_db()
    stored = run.journal_closed_at is not None
    lease = StationLease.objects.get(station=run.station)
    return run.state == RunState.INTERRUPTED and stored and lease.output_state == "OFF"


def seqs_stored(run: Run) -> list[int]:
    spans = ReadingChunk.objects.filter(run=run, attempt=1).order_by("first_seq")
    return [seq for span in spans for seq in range(span.first_seq, span.last_seq + 1)]


def seqs_journalled(bench: ShopBench, run: Run) -> list[int]:
    records, _ = read_records(bench.guarded.sim.config.journal / f"{run.pk}-1.jsonl")
    return [r.body["reading"]["seq"] for r in records if r.kind == "sample"]


def test_evidence_is_append_only_in_a_restored_database(tmp_path: Path) -> None:
    factories.make_cells(1)
    protected = (
        "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'append_only%%' AND tgenabled='A'"
    )
    with connection.cursor() as cursor:
        cursor.execute(protected)
        before = cursor.fetchone()[0]

    dump(tmp_path / "shop.dump")
    restore(tmp_path / "shop.dump", tmp_path)

    with connection.cursor() as cursor:
        cursor.execute(protected)
        assert cursor.fetchone()[0] == before > 0


def dump(backup: Path) -> None:
    _postgres("pg_dump", "--format=custom", f"--file={backup}", folder=backup.parent)


def restore(backup: Path, folder: Path) -> None:
    """In the place of what is there, whole or not at all."""
    connection.close()
    how = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error")
    _postgres("pg_restore", *how, f"--dbname={_named()['NAME']}", str(backup), folder=folder)


def _postgres(program: str, *arguments: str, folder: Path) -> None:
    named = _named()
    where = {"PGHOST": named["HOST"], "PGPORT": str(named["PORT"]), "PGDATABASE": named["NAME"]}
    who = {"PGUSER": named["USER"], "PGPASSWORD": named["PASSWORD"]}
    subprocess.run(
        [postgres_bin(folder, Account()) / program, *arguments],
        env=os.environ | where | who,
        check=True,
        timeout=120,
    )


def _named() -> Mapping[str, str]:
    named: Mapping[str, str] = connection.settings_dict
    return named
