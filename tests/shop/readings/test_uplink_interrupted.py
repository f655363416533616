"""Runs that were taken for lost, and what their uplink makes of them when it is back (F4)."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from shop import clock
from shop.equipment.models import StationLease
from shop.jobs.models import Run
from shop.jobs.services.acts import request_stop
from shop.jobs.states import RunState
from shop.readings.uplink import Uplink
from tests import factories
from tests.shop.jobs.shop_bench import shop_bench
from tests.shop.readings.sessions import edited_run, leased_run, session_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def interrupt(run: Run) -> None:
    """As the reaper does when the lease has lapsed."""
    Run.objects.filter(pk=run.pk).update(state=RunState.INTERRUPTED)
    StationLease.objects.filter(station=run.station).update(output_state="UNKNOWN")


def test_a_broken_journal_holds_its_station_only_until_the_run_is_interrupted() -> None:
    """It stays on the bench for a person; the run can end as ERROR with what was stored."""
    with shop_bench(alive=False) as bench:
        run = edited_run(bench, kind="FINISHED")
        uplink = Uplink(bench.station)
        uplink.tick()
        run.refresh_from_db()
        assert run.journal_closed_at is None  # its worker must not conclude from it

        Run.objects.filter(pk=run.pk).update(state=RunState.INTERRUPTED)
        uplink.tick()

        run.refresh_from_db()
        assert run.journal_closed_at is not None
        assert "does not follow" in StationLease.objects.get(station=bench.station).alarm


def test_a_bench_that_went_on_alone_takes_its_interrupted_run_up_again(settings: Settings) -> None:
    """F4: out of reach for longer than a lease, under the token that is still the newest."""
    settings.LEASE_RENEW_S = 0.0
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            bench.guarded.charge(session)
            interrupt(run)
            Uplink(bench.station).tick()

            run.refresh_from_db()
            assert run.state == RunState.RUNNING
            assert bench.guarded.sim.output_is_on()


def test_a_stop_finds_a_run_that_was_taken_for_lost_in_its_worker_s_hands() -> None:
    """F4: the line came back between two renewals; else it would be begun once more to end it."""
    with shop_bench(alive=False) as bench:
        run, uplink = leased_run(bench), Uplink(bench.station)
        with session_of(bench, run) as session:
            bench.guarded.charge(session)
            uplink.tick()
            interrupt(run)
            request_stop(run=run, by=bench.cast.tola, now=clock.now())
            uplink.tick()

            run.refresh_from_db()
            assert (run.state, run.token) == (RunState.RUNNING, 1)
            assert not bench.guarded.sim.output_is_on()


def test_a_bench_whose_run_was_taken_meanwhile_is_switched_off(settings: Settings) -> None:
    settings.LEASE_RENEW_S = 0.0
    with shop_bench(alive=False) as bench:
        run = leased_run(bench)
        with session_of(bench, run) as session:
            bench.guarded.charge(session)
            interrupt(run)
            Run.objects.filter(pk=run.pk).update(token=2)
            StationLease.objects.filter(station=bench.station).update(token=2)
            Uplink(bench.station).tick()

            assert not bench.guarded.sim.output_is_on()


def test_an_interrupted_run_that_never_came_to_a_journal_has_nothing_left_to_store() -> None:
    with shop_bench(alive=False) as bench:
        run = factories.make_run(
            by=bench.cast.tola, station=bench.station, state=RunState.INTERRUPTED, token=1
        )
        Uplink(bench.station).tick()

        run.refresh_from_db()
        assert run.journal_closed_at is not None


def test_a_run_whose_journal_is_missing_waits_for_it_or_for_a_person_to_give_it_up() -> None:
    """As on the uplink of a host that has another disk: what the run charged is not known."""
    with shop_bench(alive=False) as bench:
        run = factories.make_run(
            by=bench.cast.tola,
            station=bench.station,
            state=RunState.INTERRUPTED,
            token=1,
            stored_seq=900,
        )
        uplink = Uplink(bench.station)
        uplink.tick()

        run.refresh_from_db()
        assert run.journal_closed_at is None
        assert "is missing" in StationLease.objects.get(station=bench.station).alarm

        (bench.guarded.sim.config.journal / f"{run.pk}-1.corrupt").touch()
        uplink.tick()

        run.refresh_from_db()
        assert run.journal_closed_at is not None
        assert StationLease.objects.get(station=bench.station).alarm == ""
