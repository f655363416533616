"""The database goes away in the middle of a run, for less than the self-fence: nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from shop.jobs.models import JobEvent
from shop.jobs.states import RunState
from shop.readings.models import ReadingChunk
from stations.clock import guard_s
from stations.journal import read_records
from tests.shop.jobs.shop_bench import shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]
AWAY_S = 4.0


@contextmanager
def no_database() -> Iterator[None]:
    """Every connection is cut as by a restart, and no new one is let in until the block ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        name = cursor.fetchone()[0]
    known = connection.get_connection_params()
    where = {key: known[key] for key in ("host", "port", "user", "password") if key in known}
    connection.close()
    with psycopg.connect(make_conninfo(dbname="postgres", **where), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_run_goes_on_while_the_database_is_away_and_nothing_is_lost() -> None:
    with shop_bench() as bench:
        run = bench.start(cv_min_s=2400.0)
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "balance")
            wait_until(bench.guarded.sim.output_is_on, within_s=20)

            with no_database():
                away_s = guard_s()
                wait_until(lambda: guard_s() - away_s > AWAY_S, within_s=AWAY_S + 1)
                assert bench.guarded.sim.output_is_on()

            bench.confirm(run, "finish")
            bench.unlink(run)

        assert run.state == RunState.FINISHED, run.cause
        assert [r["on"] for r in bench.guarded.sim.truth("relay")].count(True) == 1
        assert not JobEvent.objects.filter(run=run, kind="run_interrupted").exists()
        path = bench.guarded.sim.config.journal / f"{run.pk}-1.jsonl"
        taken = sum(record.kind == "sample" for record in read_records(path)[0])
        chunks = ReadingChunk.objects.filter(run=run)
        assert sum(chunks.values_list("count", flat=True)) == taken == run.stored_seq


def test_a_database_that_is_away_when_the_run_ends_is_waited_for() -> None:
    with shop_bench() as bench:
        run = bench.start()
        with bench.worker(run):
            bench.at_step(run, "connect")
            with no_database():
                bench.guarded.link.stop(reason="enough")
                away_s = guard_s()
                wait_until(lambda: guard_s() - away_s > AWAY_S, within_s=AWAY_S + 1)

        assert (run.state, run.cause) == (RunState.STOPPED, "enough")
