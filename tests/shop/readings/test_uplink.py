"""The uplink on a real bench: it may die, and the guardian, Redis or a journal may fail (F4)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import redis
from pytest_django import Settings

from shop import clock
from shop.equipment.models import StationLease
from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.queries import steps_begun
from shop.jobs.states import RunState
from shop.readings import queries
from shop.readings.chunks import encode
from shop.readings.models import ReadingChunk
from shop.readings.services import store_chunk
from shop.readings.uplink import Uplink
from stations.guardian_client import GuardianBench
from tests import factories
from tests.cast import Cast
from tests.faults.guarded import LIMITS, next_event, next_reading
from tests.faults.matrix import Trial
from tests.shop.jobs.shop_bench import shop_bench
from tests.shop.readings.sessions import edited_run, leased_run, session_of, take
from tests.stations.sim.harness import ROOT
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def test_an_uplink_that_died_is_followed_by_one_that_stores_the_rest_once() -> None:
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        Uplink(bench.station).tick()
        with session_of(bench, run) as session:
            take(session, 3)
            first = Uplink(bench.station)
            first.tick()
            first._cut = type(first._cut)(samples_max=2, wait_s=0.0)
            first.tick()
            half = queries.head(run_id=run.pk, attempt=1).last_seq
            last = take(session, 2)
            session.close(kind="ERROR", reason="test")
        Uplink(bench.station).tick()
        Uplink(bench.station).tick()

        run.refresh_from_db()
        assert 0 < half < last.seq <= run.stored_seq
        assert run.journal_closed_at is not None
        spans = ReadingChunk.objects.filter(run=run).order_by("first_seq")
        seqs = [seq for c in spans for seq in range(c.first_seq, c.last_seq + 1)]
        assert seqs == list(range(1, run.stored_seq + 1))


def test_a_step_that_is_journalled_takes_the_run_to_running_once() -> None:
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            step = {"index": 0, "name": "pre-parallel", "title": "Measure", "kind": "measure"}
            session.note("step", step)
            session.note("alarm", {"words": "a lead is warm"})
            Uplink(bench.station).tick()
            Uplink(bench.station).tick()

        run.refresh_from_db()
        assert (run.state, run.step) == (RunState.RUNNING, step)
        kinds = list(JobEvent.objects.filter(run=run).values_list("kind", flat=True))
        assert kinds == ["run_running", "bench_step", "bench_alarm"]
        begun = steps_begun(run.pk)
        assert [(entered.name, entered.title) for entered in begun] == [("pre-parallel", "Measure")]


def test_a_journal_of_an_older_token_changes_nothing_of_the_run() -> None:
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            session.note("step", {"index": 4, "name": "x", "title": "X", "kind": "charge"})
            Run.objects.filter(pk=run.pk).update(token=2)
            Uplink(bench.station).tick()

        run.refresh_from_db()
        assert (run.state, run.step) == (RunState.PREFLIGHT, None)


def test_the_lease_is_renewed_only_while_a_runner_with_its_token_lives(settings: Settings) -> None:
    settings.LEASE_RENEW_S = 0.0
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        lease = StationLease.objects.filter(station=bench.station)
        uplink = Uplink(bench.station)
        with session_of(bench, run):
            lease.update(expires_at=factories.NOON)
            uplink.tick()
            renewed = lease.get().expires_at
        lease.update(expires_at=factories.NOON)
        uplink.tick()

        assert renewed is not None
        assert renewed > factories.NOON
        assert lease.get().expires_at == factories.NOON


def test_an_announcement_of_an_earlier_attempt_is_not_handed_on() -> None:
    """B19: what was done at the bench stays done, who stood there may have left."""
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        for step, attempt in (("connect", None), ("finish", 1), ("finish", 2)):
            data = {"step": step} | ({"announced_in": attempt} if attempt else {})
            PersonAct.objects.create(
                run=run, kind="confirm", data=data, by=bench.cast.tola, at=clock.now()
            )
        Run.objects.filter(pk=run.pk).update(attempt=2)
        run.refresh_from_db()
        with session_of(bench, run) as session:
            Uplink(bench.station).tick()
            heard = [next_event(session).data for _ in range(2)]

        assert [(act["step"], act.get("announced_in")) for act in heard] == [
            ("connect", None),
            ("finish", 2),
        ]


def test_a_runner_whose_lease_was_taken_is_switched_off(settings: Settings) -> None:
    settings.LEASE_RENEW_S = 0.0
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            bench.guarded.charge(session)
            StationLease.objects.filter(station=bench.station).update(token=2)
            Uplink(bench.station).tick()

            assert not bench.guarded.sim.output_is_on()


def test_a_person_who_commissions_the_bench_is_left_alone(settings: Settings) -> None:
    """F1: their session is no run of the shop; its token is never leased to anybody."""
    settings.LEASE_RENEW_S = 0.0
    with shop_bench(alive=False) as bench:
        session = GuardianBench(
            bench.guarded.sim.config.socket,
            run="commissioning",
            attempt=1,
            token=1,
            limits=LIMITS,
            program={"name": "commissioning", "version": "1"},
            valid_s=600.0,
        )
        with session:
            bench.guarded.charge(session)
            Uplink(bench.station).tick()

            assert bench.guarded.sim.output_is_on()
            assert StationLease.objects.get(station=bench.station).token == 1


def test_without_a_guardian_the_output_is_unknown_until_it_is_back() -> None:
    with shop_bench(alive=False) as bench:
        lease = StationLease.objects.filter(station=bench.station)
        uplink = Uplink(bench.station)
        uplink.tick()
        heard_at = lease.get().heartbeat_at
        bench.guarded.kill(signal.SIGKILL)
        uplink.tick()
        uplink.tick()
        silent = lease.get()
        bench.guarded.restart()
        uplink.tick()

        assert (silent.output_state, silent.heartbeat_at) == ("UNKNOWN", heard_at)
        assert "does not answer" in silent.alarm
        assert (lease.get().output_state, lease.get().alarm) == ("OFF", "")


def test_without_redis_readings_are_stored_all_the_same(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            take(session, 2)
            session.close(kind="ERROR", reason="test")
        Uplink(bench.station).tick()

        run.refresh_from_db()
        assert run.stored_seq >= 2


def test_live_values_are_shown_and_do_not_outlive_their_uplink(redis_client: redis.Redis) -> None:
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            reading = next_reading(session)
            Uplink(bench.station).tick()
            live = json.loads(redis_client.get(f"live:{bench.station.slug}") or "{}")

        assert (live["run"], live["output"]) == (run.pk, "off")
        assert live["reading"]["seq"] >= reading.seq
        assert 0 < redis_client.ttl(f"live:{bench.station.slug}") <= 10


def test_a_journal_that_was_edited_is_set_aside_and_raises_an_alarm() -> None:
    with shop_bench(alive=False) as bench:
        run = edited_run(bench, kind="ERROR")
        Uplink(bench.station).tick()

        lease = StationLease.objects.get(station=bench.station)
        assert "does not follow" in lease.alarm
        assert not ReadingChunk.objects.filter(run=run).exists()


@pytest.mark.fault("43", "readings of another than the bench stored in its place", trials=1)
def test_readings_that_somebody_else_stored_are_kept_and_raise_an_alarm(trial: Trial) -> None:
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        uplink = Uplink(bench.station)
        with session_of(bench, run) as session:
            own = [next_reading(session) for _ in range(3)]
            uplink.tick()  # has read them, and waits for more before it stores
            forged = [replace(reading, voltage_v=3.2) for reading in own]
            chunk = encode(forged, run_id=run.pk, attempt=1)
            store_chunk(run_id=run.pk, attempt=1, chunk=chunk, now=clock.now())
            session.close(kind="ERROR", reason="test")
        uplink.tick()

        trial.happened(JobEvent.objects.filter(run=run, kind="chunk_refused").exists())
        assert bytes(ReadingChunk.objects.get(run=run).payload) == chunk.payload
        alarm = StationLease.objects.get(station=bench.station).alarm
        assert f"run {run.pk}, attempt 1: the chunk" in alarm


@pytest.mark.parametrize("words", ["stop\0now", "T\udcfcr"])
def test_words_that_the_database_cannot_hold_stop_no_journal(words: str) -> None:
    """A NUL, or a word in another encoding from a terminal."""
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            take(session, 2)
            session.note("alarm", {"words": words})
            session.close(kind="ERROR", reason="test")
        Uplink(bench.station).tick()

        run.refresh_from_db()
        assert run.journal_closed_at is not None
        (told,) = JobEvent.objects.filter(run=run, kind="bench_alarm")
        assert told.data["words"] in ("stop?now", "T?r")


def test_a_journal_that_vanishes_keeps_no_other_from_being_stored() -> None:
    with shop_bench(alive=False) as bench:
        gone = leased_run(bench)
        uplink = Uplink(bench.station)
        with session_of(bench, gone) as session:
            take(session, 2)
            uplink.tick()
            session.close(kind="ERROR", reason="test")
        (bench.guarded.sim.config.journal / f"{gone.pk}-1.jsonl").unlink()
        for state in (RunState.STOPPING, RunState.ERROR):
            Run.objects.filter(pk=gone.pk).update(state=state)
        kept = leased_run(bench)
        with session_of(bench, kept, token=2) as session:
            take(session, 2)
            session.close(kind="ERROR", reason="test")
        uplink.tick()

        kept.refresh_from_db()
        assert kept.stored_seq >= 2


def test_the_command_serves_one_bench_alone_and_ends_clean(
    cast: Cast, process_env: dict[str, str]
) -> None:
    station = factories.make_station(slug="bench-9")
    program = [sys.executable, "manage.py", "uplink", station.slug]
    with subprocess.Popen(
        program, cwd=ROOT, env=process_env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready bench-9\n"
            wait_until(lambda: StationLease.objects.get(station=station).alarm != "", within_s=10)
            second = subprocess.run(
                program, cwd=ROOT, env=process_env, capture_output=True, text=True, timeout=30
            )
        finally:
            process.terminate()
        assert process.wait(timeout=10) == 0
    assert second.returncode == 1
    assert "another uplink of bench-9" in second.stderr
