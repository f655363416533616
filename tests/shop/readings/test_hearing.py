"""A queued run that no worker takes: people are told, and the worker's supervisor (F4)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from shop import clock
from shop.equipment.benches import deaf_worker_file
from shop.equipment.models import StationLease
from shop.jobs.models import Run
from shop.jobs.states import RunState
from shop.jobs.terms import Terms
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def test_a_run_that_nobody_takes_is_told_of_until_somebody_does(settings: Settings) -> None:
    settings.DEAF_AFTER_S = 1.0
    with shop_bench() as bench:
        run = bench.start()
        complaint = deaf_worker_file(bench.station.slug)
        assert not complaint.exists()

        wait_until(lambda: f"No worker takes run {run.pk}" in lease(bench).alarm)
        assert complaint.exists()
        with bench.worker(run):
            wait_until(lambda: not lease(bench).alarm, what="the alarm to end")
            bench.at_step(run, "connect")
            bench.guarded.link.stop(reason="enough")


def test_a_run_that_waits_to_go_on_is_missed_like_a_queued_one(settings: Settings) -> None:
    settings.DEAF_AFTER_S = 0.5
    with shop_bench() as bench:
        run = bench.start()
        Run.objects.filter(pk=run.pk).update(state=RunState.LEASED)
        Run.objects.filter(pk=run.pk).update(
            state=RunState.INTERRUPTED, journal_closed_at=clock.now()
        )

        wait_until(lambda: f"No worker takes run {run.pk}" in lease(bench).alarm)


def test_nobody_is_complained_of_while_the_broker_is_away(settings: Settings) -> None:
    settings.DEAF_AFTER_S = 0.2
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with shop_bench() as bench:
        told_after(bench, bench.start().queued_at + timedelta(seconds=2))

        assert not lease(bench).alarm
        assert not deaf_worker_file(bench.station.slug).exists()


def test_nobody_is_complained_of_while_a_run_waits_for_its_moment(settings: Settings) -> None:
    settings.DEAF_AFTER_S = 0.2
    with shop_bench() as bench:
        run = bench.start(terms=Terms(not_before=clock.now() + timedelta(hours=1)))
        told_after(bench, run.queued_at + timedelta(seconds=2))

        assert not lease(bench).alarm
        assert not deaf_worker_file(bench.station.slug).exists()

        Run.objects.filter(pk=run.pk).update(not_before=clock.now())
        wait_until(lambda: f"No worker takes run {run.pk}" in lease(bench).alarm)


def test_nobody_is_complained_of_while_a_run_waits_for_somebody_to_be_there(
    settings: Settings,
) -> None:
    settings.DEAF_AFTER_S = 0.2
    with shop_bench() as bench:
        run = bench.start()
        long_ago = clock.now() - timedelta(hours=1)
        Run.objects.filter(pk=run.pk).update(state=RunState.LEASED)
        Run.objects.filter(pk=run.pk).update(
            state=RunState.INTERRUPTED,
            journal_closed_at=clock.now(),
            queued_at=long_ago,
            program={"presence": {"every": 1800.0, "warn": 300.0}},
            step={"kind": "charge", "name": "balance", "index": 3},
        )
        told_after(bench, clock.now() + timedelta(seconds=2))

        assert not lease(bench).alarm
        assert not deaf_worker_file(bench.station.slug).exists()


def told_after(bench: ShopBench, moment: datetime) -> None:
    wait_until(lambda: (lease(bench).heartbeat_at or moment) > moment)


def lease(bench: ShopBench) -> StationLease:
    return StationLease.objects.get(station=bench.station)
