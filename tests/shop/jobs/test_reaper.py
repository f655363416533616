"""Runs whose worker was lost, messages that were lost, claims that lapsed (F2, F4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from pytest_django import Settings

from shop import clock
from shop.equipment.models import StationLease
from shop.jobs import leasing, reaper
from shop.jobs.execution import execute
from shop.jobs.models import Job, Run
from shop.jobs.moves import move_run
from shop.jobs.planning import plan
from shop.jobs.services.acts import request_stop
from shop.jobs.states import JobState, RunState
from shop.quality.models import Nonconformance
from shop.readings.models import Manifest, ReadingChunk
from stations.guardian_client import GuardianBench
from stations.values import Protection, Reading, Setpoint
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.wait import wait_until


@contextmanager
def lost_worker(bench: ShopBench, run: Run, *, readings: int) -> Iterator[leasing.Held]:
    """A worker that leased the run and opened the bench, then vanished after some readings."""
    held = leasing.take(run.pk)
    assert held is not None
    program = plan(run.job, run.station).program
    with GuardianBench(
        bench.guarded.sim.config.socket,
        run=str(run.pk),
        attempt=1,
        token=held.token,
        limits=program.limits,
        program={"name": program.name, "version": program.version},
        valid_s=600.0,
    ) as session:
        taken = 0
        while taken < readings:
            taken += isinstance(session.next(), Reading)
        yield held


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_a_trip_is_concluded_though_a_person_has_stopped_the_run(settings: Settings) -> None:
    """Its worker died just after the guardian tripped; cells over a limit are never forgotten."""
    settings.TAKEOVER_S = 0.5
    with shop_bench(soc=0.9) as bench:
        run = bench.start()
        held = leasing.take(run.pk)
        assert held is not None
        planned = plan(run.job, run.station)
        move_run(
            held.run,
            RunState.PREFLIGHT,
            now=clock.now(),
            program=planned.plain,
            program_hash=planned.sha256,
            simulated=True,
        )
        bench.guarded.sim.hands.post("/links/on")
        with GuardianBench(
            bench.guarded.sim.config.socket,
            run=str(run.pk),
            attempt=1,
            token=held.token,
            limits=replace(planned.program.limits, bank_voltage_max_v=3.339),
            program={"name": planned.program.name, "version": planned.program.version},
            valid_s=600.0,
        ) as session:
            session.configure(Setpoint(3.40, 14.0), Protection(ovp_v=3.43, ocp_a=14.8))
            session.energise()
            wait_until(lambda: getattr(session.next(), "kind", "") == "trip", period_s=0.0)

        wait_until(lambda: Run.objects.get(pk=run.pk).journal_closed_at, within_s=20)
        request_stop(run=run, by=bench.cast.tola, now=clock.now())

        def interrupted() -> bool:
            reaper.reap(now=clock.now())
            return Run.objects.get(pk=run.pk).state == RunState.INTERRUPTED and bench.is_off()

        wait_until(interrupted, within_s=20, period_s=0.2)
        execute(run.pk)

        run.refresh_from_db()
        assert run.state == RunState.TRIPPED
        assert Nonconformance.objects.filter(run=run).count() == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_a_run_whose_worker_is_lost_is_interrupted_and_ends_when_nobody_goes_on(
    settings: Settings,
) -> None:
    settings.LEASE_TTL_S, settings.LEASE_RENEW_S, settings.LEASE_GRACE_S = 1.0, 0.2, 0.3
    with shop_bench() as bench:
        run = bench.start()
        with lost_worker(bench, run, readings=5):
            wait_until(lambda: _renewals(bench), within_s=5, what="a renewal by the uplink")

        def stored() -> bool:
            reaper.reap(now=clock.now())
            run.refresh_from_db()
            interrupted = run.state == RunState.INTERRUPTED
            return interrupted and run.journal_closed_at is not None and bench.is_off()

        wait_until(stored, within_s=30, period_s=0.2)
        reaper.reap(now=clock.now() + timedelta(minutes=59))
        assert Run.objects.get(pk=run.pk).state == RunState.INTERRUPTED
        reaper.reap(now=clock.now() + timedelta(minutes=61))

        run.refresh_from_db()
        assert run.state == RunState.ERROR
        assert run.cause.startswith(reaper.LOST)
        assert run.job.state == JobState.CLAIMED
        assert run.stored_seq == ReadingChunk.objects.get(run=run).last_seq >= 5
        assert Manifest.objects.get(run=run).body["readings"]["count"] == run.stored_seq
        lease = StationLease.objects.get(station=bench.station)
        assert (lease.owner, lease.token, lease.output_state) == (None, 1, "OFF")
        kinds = list(run.events.values_list("kind", flat=True))
        assert kinds.index("run_interrupted") < kinds.index("run_error")


def _renewals(bench: ShopBench) -> bool:
    lease = StationLease.objects.get(station=bench.station)
    return lease.expires_at is not None and lease.expires_at > clock.now() + timedelta(seconds=0.7)


def test_a_run_is_not_ended_while_its_output_is_unknown_or_readings_wait(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.INTERRUPTED, token=3)
    lease = StationLease.objects.filter(station=run.station)

    lease.update(output_state="OFF")
    reaper.reap(now=NOON)  # the journal is not stored
    lease.update(output_state="UNKNOWN")
    Run.objects.update(journal_closed_at=NOON)
    reaper.reap(now=NOON)
    run.refresh_from_db()
    assert run.state == RunState.INTERRUPTED

    lease.update(output_state="OFF")
    reaper.reap(now=NOON + timedelta(hours=2))
    run.refresh_from_db()
    assert run.state == RunState.ERROR


def test_a_stop_of_an_interrupted_run_is_its_end(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.INTERRUPTED, token=3)
    StationLease.objects.filter(station=run.station).update(output_state="OFF")
    Run.objects.update(journal_closed_at=NOON)

    request_stop(run=run, by=cast.tola, now=NOON)
    reaper.reap(now=NOON)
    run.refresh_from_db()
    assert run.state == RunState.INTERRUPTED  # a worker may know more
    reaper.reap(now=NOON + timedelta(minutes=2))

    run.refresh_from_db()
    assert (run.state, run.job.state) == (RunState.STOPPED, JobState.CLAIMED)


def test_a_trip_is_not_forgotten_where_no_worker_concludes_it(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.INTERRUPTED, token=3)
    StationLease.objects.filter(station=run.station).update(output_state="OFF")
    Run.objects.update(journal_closed_at=NOON)
    run.events.create(
        job_id=run.job_id, kind="bench_trip", at=NOON, data={"reason": "cell 2 at 3.71 V"}
    )

    request_stop(run=run, by=cast.tola, now=NOON)
    reaper.reap(now=NOON + timedelta(minutes=2))

    run.refresh_from_db()
    assert (run.state, run.cause) == (RunState.TRIPPED, "cell 2 at 3.71 V")
    assert Nonconformance.objects.filter(run=run).count() == 4


@pytest.mark.django_db(transaction=True)
def test_sends_again_what_is_queued_and_unleased_only(redis_client: redis.Redis) -> None:
    from tests.cast import the_cast

    cast = the_cast()
    waiting = factories.make_run(by=cast.tola)
    factories.make_run(by=cast.tola, state=RunState.RUNNING)

    reaper.resend_queued(now=clock.now())
    reaper.resend_queued(now=clock.now())

    queue = f"station.{waiting.station.slug}"
    assert redis_client.llen(queue) == 2
    assert not [key for key in redis_client.keys("station.*") if key != queue.encode()]


def test_a_claim_that_nobody_starts_lapses_by_policy(cast: Cast) -> None:
    factories.make_policy(by=cast.sade, claim_lapses_s=3600.0)
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())

    reaper.lapse_claims(now=NOON + timedelta(minutes=59))
    assert Job.objects.get(pk=job.pk).state == JobState.CLAIMED
    reaper.lapse_claims(now=NOON + timedelta(minutes=61))

    job.refresh_from_db()
    assert (job.state, job.claimed_by) == (JobState.OPEN, None)
    assert job.events.get().kind == "claim_lapsed"
