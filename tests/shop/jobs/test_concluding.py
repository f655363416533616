"""A worker that has ended its run on the bench and comes to conclude it, or does not (F4)."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from pytest_django import Settings

from shop import clock
from shop.equipment import leases
from shop.equipment.models import StationLease
from shop.jobs import execution, leasing, reaper
from shop.jobs.ending import Ending
from shop.jobs.models import JobEvent, Run
from shop.jobs.shutdown import Word
from shop.jobs.states import RunState
from shop.readings.models import Manifest
from shop.readings.uplink import Uplink
from stations.clock import guard_s
from tests import factories
from tests.cast import the_cast
from tests.shop.jobs.shop_bench import ShopBench, in_thread, shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def started(bench: ShopBench) -> Run:
    """A run that waits for its worker at a bench whose uplink looks in once."""
    Uplink(bench.station).tick()
    return bench.start()


def stop_when_open(bench: ShopBench) -> None:
    wait_until(lambda: bench.guarded.link.status()["session"], within_s=20)
    bench.guarded.link.stop(reason="enough")


def test_what_a_worker_left_without_an_uplink_is_concluded_by_the_next_from_the_journal(
    settings: Settings,
) -> None:
    """It waits no longer than its lease takes to lapse; then nothing is energised any more."""
    settings.LEASE_TTL_S, settings.LEASE_RENEW_S, settings.LEASE_GRACE_S = 1.5, 0.3, 0.5
    with shop_bench(alive=False) as bench:
        run = started(bench)
        with bench.worker(run):
            stop_when_open(bench)
            stopped_s = guard_s()
        assert guard_s() - stopped_s < 2.0 + 8.0
        assert (run.state, run.journal_closed_at) == (RunState.STOPPING, None)

        uplink = Uplink(bench.station)

        def may_go_on() -> bool:
            uplink.tick()
            reaper.reap(now=clock.now())
            run.refresh_from_db()
            stored = run.journal_closed_at is not None and bench.is_off()
            return run.state == RunState.INTERRUPTED and stored

        wait_until(may_go_on, within_s=20, period_s=0.1)
        execution.execute(run.pk)

        run.refresh_from_db()
        assert (run.state, run.cause, run.attempt) == (RunState.STOPPED, "enough", 1)
        assert not bench.guarded.sim.truth("relay")
        assert Manifest.objects.get(run=run).body["readings"]["count"] == run.stored_seq
        assert StationLease.objects.get(station=bench.station).owner is None


def test_a_worker_told_to_end_waits_for_no_uplink(monkeypatch: pytest.MonkeyPatch) -> None:
    word = Word()
    monkeypatch.setattr(execution, "told_to_end", word)
    with shop_bench(alive=False) as bench:
        run = started(bench)
        with bench.worker(run) as worker:
            stop_when_open(bench)
            wait_until(lambda: Run.objects.get(pk=run.pk).state == RunState.STOPPING, within_s=20)
            told_s = guard_s()
            word.leave()
            worker.join(timeout=60)
            assert guard_s() - told_s < execution.ENDING_WAIT_S + 3.0

        assert run.state == RunState.STOPPING  # the reaper ends it when its lease has lapsed


def test_a_worker_told_to_end_takes_no_run_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    word = Word()
    word.leave()
    monkeypatch.setattr(execution, "told_to_end", word)
    with shop_bench(alive=False) as bench:
        run = started(bench)
        execution.execute(run.pk)

        run.refresh_from_db()
        assert run.state == RunState.QUEUED


def test_a_worker_that_concludes_and_the_reaper_never_both_end_a_run(settings: Settings) -> None:
    """The lease has just lapsed, the journal is stored: one of the two wins, whole."""
    settings.LEASE_TTL_S, settings.LEASE_GRACE_S = 60.0, 1.0
    cast = the_cast()
    outcomes = set()
    for _ in range(12):
        run = factories.make_run(by=cast.tola, state=RunState.STOPPING, token=1)
        held = leasing.Held(run, 1)
        Run.objects.filter(pk=run.pk).update(journal_closed_at=clock.now())
        lease = StationLease.objects.filter(station=run.station)
        lapsed_at = clock.now() - timedelta(seconds=2)
        lease.update(token=1, run=run, owner=uuid4(), expires_at=lapsed_at, output_state="OFF")
        together = threading.Barrier(2)
        ending = Ending(RunState.STOPPED, "enough", has_journal=True)

        with in_thread(partial(conclude, together, held, ending)):
            together.wait()
            reaper.reap(now=clock.now())

        # What the reaper interrupted is proven off again, by the uplink, and nobody goes on.
        lease.update(output_state="OFF")
        reaper.reap(now=clock.now() + timedelta(days=1))
        run.refresh_from_db()
        outcomes.add(run.state)
        ends = JobEvent.objects.filter(run=run, kind__in=["run_stopped", "run_error"])
        assert (ends.count(), Manifest.objects.filter(run=run).count()) == (1, 1)
        assert (lease.get().owner, lease.get().run) == (None, None)
    assert outcomes <= {RunState.STOPPED, RunState.ERROR}


def conclude(together: threading.Barrier, held: leasing.Held, ending: Ending) -> None:
    together.wait()
    try:
        execution._insist(held, partial(execution._conclude, held, ending))
    except leases.LeaseLost:
        return
