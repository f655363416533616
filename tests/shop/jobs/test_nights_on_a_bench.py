"""Nights alone and days with somebody, on a simulated bench, whole (F4, B19)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from shop import clock
from shop.alerts.models import AlertCheck
from shop.equipment.benches import journal_folder
from shop.equipment.services import record_commissioning
from shop.jobs import reaper
from shop.jobs.attending import waits_for_somebody
from shop.jobs.execution import execute
from shop.jobs.models import JobEvent, Run
from shop.jobs.presence import confirm_presence
from shop.jobs.services.acts import confirm_step
from shop.jobs.states import RunState
from shop.jobs.terms import Terms
from shop.readings.models import Manifest
from stations.journal import read_records
from stations.plain import from_plain, to_plain
from stations.procedures.steps import Program
from stations.replay import replay
from tests import factories
from tests.shop.equipment.reports import document_of
from tests.shop.jobs.shop_bench import ShopBench, in_thread, shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

ALONE = Terms(attended=False)
ADDRESS = "night@shop.example"


def ready_for_a_night(bench: ShopBench) -> None:
    """Commissioned an hour ago, and a test alert of then was seen to arrive."""
    at = clock.now() - timedelta(hours=1)
    by = bench.cast.tola
    document = document_of(bench.station, at=at)
    record_commissioning(station=bench.station, document=document, by=by, now=clock.now())
    AlertCheck.objects.create(
        address=ADDRESS, code_sha256="0", sent_at=at, sent_by=by, confirmed_at=at
    )


def remarks(run: Run, step: str) -> list[str]:
    body = Manifest.objects.filter(run=run).latest("attempt").body
    found: list[str] = [r["remarks"] for r in body["records"] if r["step"] == step][-1]
    return found


def test_a_bank_that_is_done_at_night_is_held_until_somebody_comes(settings: Settings) -> None:
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=ALONE, cv_min_s=30.0)
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "balance")
            wait_until(lambda: Run.objects.get(pk=run.pk).stored_seq > 120, within_s=60)
            assert bench.guarded.sim.output_is_on()  # done long ago, and held
            bench.confirm(run, "finish")
            bench.unlink(run)

        assert (run.state, run.cause) == (RunState.FINISHED, "done")
        held = remarks(run, "balance")
        assert held[0] == "done"
        assert any("until somebody came" in words for words in held)
        manifest = Manifest.objects.get(run=run)
        assert manifest.body["attended"] is False
        assert {"thermometer", "relay"} <= {i["role"] for i in manifest.body["instruments"]}


def test_a_night_is_refused_at_the_bench_where_a_probe_came_off(settings: Settings) -> None:
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        bench.guarded.sim.hands.fault("thermometer", "lost_probe")
        run = bench.start(terms=ALONE)

        execute(run.pk)

        run.refresh_from_db()
        assert run.state == RunState.REFUSED
        assert "The probes on the cells show no temperature now." in run.cause
        assert not bench.guarded.sim.output_is_on()


def test_too_few_probes_on_the_open_bench_refuse_a_night_in_words(settings: Settings) -> None:
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True, probes=1, cells_per_probe_max=2) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=ALONE)

        execute(run.pk)

        run.refresh_from_db()
        assert run.state == RunState.REFUSED
        assert "1 temperature probe for 4 cells: 2 are asked for. Lay one on every sec" in run.cause
        assert not bench.guarded.sim.output_is_on()


def test_a_policy_made_stricter_while_a_night_waited_counts(settings: Settings) -> None:
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=ALONE)
        factories.make_policy(by=bench.cast.sade, cutoff_proven_s=3600.0)

        execute(run.pk)

        run.refresh_from_db()
        assert run.state == RunState.REFUSED
        assert "was not on and proven off in the last 1 h" in run.cause


def test_what_the_preflight_of_a_night_looks_at_the_runner_hears_as_well(
    settings: Settings,
) -> None:
    """Else its journal, played again after an interruption, would tell of another run."""
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=ALONE)
        with bench.worker(run):
            bench.at_step(run, "connect")
            bench.guarded.link.stop(reason="enough")

        assert run.state == RunState.STOPPED
        path = journal_folder(bench.station.slug) / f"{run.pk}-1.jsonl"
        program = from_plain(Program, run.program)
        again = replay(program, [read_records(path)[0]])
        told, *_ = Manifest.objects.get(run=run).body["records"]
        known = to_plain(again.outcome.run.records[0])
        assert (known["step"], known["ended_at"]) == (told["step"], told["ended_at"])


def test_without_a_word_from_anybody_the_run_is_held_and_goes_on_once_somebody_is_there() -> None:
    with shop_bench(soc=0.90, presence_s=60.0, presence_warn_s=30.0) as bench:
        run = bench.start(resume_rest_s=1.0)
        with in_thread(lambda: execute(run.pk)) as worker:
            bench.at_step(run, "connect")
            bench.guarded.sim.hands.post("/links/on")
            ago = clock.now() - timedelta(seconds=54)
            confirm_step(run=run, step="connect", by=bench.cast.tola, now=ago)
            Run.objects.filter(pk=run.pk).update(queued_at=ago)
            worker.join(timeout=60)

        run.refresh_from_db()
        assert run.state == RunState.INTERRUPTED
        assert run.cause == "nobody confirmed to be at the bench for 1 min"
        assert not bench.guarded.sim.output_is_on()
        wait_until(lambda: waits_for_somebody(Run.objects.get(pk=run.pk), clock.now()))
        reaper.reap(now=clock.now())  # sends nobody: it waits

        confirm_presence(run=run, by=bench.cast.bayo, now=clock.now())
        assert not waits_for_somebody(Run.objects.get(pk=run.pk), clock.now())
        wait_until(lambda: Run.objects.get(pk=run.pk).journal_closed_at is not None)
        with in_thread(lambda: execute(run.pk)) as worker:
            wait_until(lambda: Run.objects.get(pk=run.pk).attempt == 2)
            bench.at_step(run, "balance")
            wait_until(bench.guarded.sim.output_is_on)
            bench.guarded.link.stop(reason="enough")
            worker.join(timeout=60)


def later(**ahead: float) -> Terms:
    return Terms(attended=False, not_before=clock.now() + timedelta(**ahead))


def kinds_told(run: Run) -> list[str]:
    return [event.kind for event in JobEvent.objects.filter(run=run)]


def test_a_night_waits_joined_and_goes_on_by_itself_at_its_moment(settings: Settings) -> None:
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=later(seconds=25))
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "wait")
            assert clock.now() < run.not_before  # type: ignore[operator]
            assert not bench.guarded.sim.output_is_on()

            bench.at_step(run, "balance")
            assert clock.now() > run.not_before  # type: ignore[operator]
            wait_until(bench.guarded.sim.output_is_on)
            bench.guarded.link.stop(reason="enough")

        assert run.state == RunState.STOPPED
        steps = [record["step"] for record in Manifest.objects.get(run=run).body["records"]]
        assert steps[:5] == ["pre-parallel", "connect", "joined", "wait", "joined-again"]


def test_a_wait_is_ended_by_whoever_is_there(settings: Settings) -> None:
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=later(hours=10))
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "wait")
            bench.confirm(run, "wait")
            bench.at_step(run, "balance")
            bench.guarded.link.stop(reason="enough")

        assert run.state == RunState.STOPPED


def test_a_night_whose_alerts_failed_while_it_waited_is_refused_without_any_output(
    settings: Settings,
) -> None:
    """F4 is asked again at the moment: nobody would hear of what goes wrong any more."""
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=later(seconds=25))
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "wait")
            AlertCheck.objects.create(
                address=ADDRESS, sent_at=clock.now(), sent_by=bench.cast.tola, error="no route"
            )

        assert run.state == RunState.REFUSED
        assert "No test alert was seen to arrive" in run.cause
        assert "bench_current_stopped" not in kinds_told(run)
        assert not bench.guarded.sim.output_is_on()


def test_a_wait_that_lost_its_worker_goes_on_waiting(settings: Settings) -> None:
    settings.ALERT_EMAIL = ADDRESS
    with shop_bench(for_nights=True) as bench:
        ready_for_a_night(bench)
        run = bench.start(terms=later(hours=10))
        with bench.worker(run):
            bench.connect(run)
            bench.at_step(run, "wait")
            bench.guarded.link.stop(reason="the worker is restarted", resumable=True)
        assert run.state == RunState.INTERRUPTED
        wait_until(lambda: Run.objects.get(pk=run.pk).journal_closed_at is not None)

        with bench.worker(run):
            wait_until(lambda: Run.objects.get(pk=run.pk).attempt == 2)
            bench.at_step(run, "wait")
            assert not bench.guarded.sim.output_is_on()
            bench.confirm(run, "wait")
            bench.at_step(run, "balance")
            bench.guarded.link.stop(reason="enough")

        assert (run.state, run.attempt) == (RunState.STOPPED, 2)
