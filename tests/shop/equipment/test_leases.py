"""The lease: one holder, a token that only grows, the database's clock (F3)."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from threading import Barrier, Event
from uuid import uuid4

import pytest
from django.db import transaction

from shop.equipment import leases
from shop.equipment.leases import LeaseLost
from shop.equipment.models import StationLease
from shop.equipment.states import OutputState
from shop.jobs.models import Run
from shop.jobs.states import RunState
from tests import factories
from tests.cast import Cast, the_cast
from tests.race import race
from tests.shop.jobs.shop_bench import in_thread


def claim(run: Run, *, ttl_s: float = 60.0, recovers: bool = False) -> int | None:
    return leases.claim(
        station_id=run.station_id,
        run_id=run.pk,
        owner=uuid4(),
        boot_id="b",
        ttl_s=ttl_s,
        recovers=recovers,
    )


def lease_of(run: Run) -> StationLease:
    return StationLease.objects.get(station_id=run.station_id)


@pytest.fixture
def run(cast: Cast) -> Run:
    return factories.make_run(by=cast.tola)


def expire(run: Run, *, ago_s: float) -> None:
    lease = lease_of(run)
    assert lease.expires_at is not None
    StationLease.objects.filter(pk=lease.pk).update(
        expires_at=lease.expires_at - timedelta(seconds=60 + ago_s)
    )


def test_a_free_station_proven_off_is_claimed_with_the_next_token(run: Run) -> None:
    first = claim(run)
    leases.release(station_id=run.station_id, token=1)
    second = claim(run)

    assert (first, second) == (1, 2)
    assert lease_of(run).run_id == run.pk


@pytest.mark.parametrize("output", [OutputState.UNKNOWN, OutputState.ON])
def test_nobody_takes_a_station_whose_output_is_not_proven_off(
    run: Run, output: OutputState
) -> None:
    StationLease.objects.update(output_state=output)

    assert claim(run) is None
    assert lease_of(run).token == 0


def test_a_held_station_is_taken_by_nobody_even_long_after_expiry(cast: Cast, run: Run) -> None:
    other = factories.make_run(by=cast.tola, state=RunState.ERROR, station=run.station)
    claim(run)

    assert claim(other) is None
    expire(run, ago_s=3600)
    assert claim(other, recovers=True) is None


def test_an_interrupted_run_recovers_its_own_station_once_it_is_proven_off(run: Run) -> None:
    claim(run)

    StationLease.objects.update(output_state=OutputState.UNKNOWN)
    assert claim(run, recovers=True) is None
    StationLease.objects.update(output_state=OutputState.OFF)
    assert claim(run) is None
    assert claim(run, recovers=True) == 2


def test_a_stale_token_can_neither_renew_nor_release_nor_write(run: Run) -> None:
    claim(run)
    stale = {"station_id": run.station_id, "token": 0}

    assert not leases.renew(**stale, ttl_s=60)
    assert not leases.release(**stale)
    with pytest.raises(LeaseLost, match="token 0 is no longer current"):
        leases.hold_check(**stale)


def test_an_expired_lease_holds_nothing_until_it_is_renewed(run: Run) -> None:
    claim(run)
    expire(run, ago_s=1)
    held = {"station_id": run.station_id, "token": 1}

    with pytest.raises(LeaseLost):
        leases.hold_check(**held)
    assert leases.renew(**held, ttl_s=60)
    leases.hold_check(**held)


def test_the_token_catches_up_with_the_guardian_while_nobody_holds_it(run: Run) -> None:
    """A guardian's highest token outlives a database that was set up anew."""
    heartbeat = partial(
        leases.heartbeat,
        station_id=run.station_id,
        output_state=OutputState.OFF,
        output_at=None,
        alarm="",
    )
    heartbeat(highest_token=41)
    assert claim(run) == 42

    heartbeat(highest_token=99)
    assert lease_of(run).token == 42


@pytest.mark.django_db(transaction=True)
def test_of_two_claimers_at_once_one_wins_50_of_50() -> None:
    run = factories.make_run(by=the_cast().tola)
    together = Barrier(3)

    def contend(_: int) -> int | None:
        token = claim(run)
        together.wait(timeout=30)
        if token is not None:
            leases.release(station_id=run.station_id, token=token)
        return token

    rounds = race([contend] * 3, rounds=50)

    assert [[t for t in tokens if t is not None] for tokens in rounds] == [
        [number] for number in range(1, 51)
    ]


@pytest.mark.django_db(transaction=True)
def test_a_steal_waits_for_a_write_that_has_checked_the_lease() -> None:
    run = factories.make_run(by=the_cast().tola)
    claim(run)
    stealing, stolen = Event(), Event()

    def steal() -> None:
        stealing.set()
        leases.release(station_id=run.station_id, token=1)
        stolen.set()

    with ExitStack() as stack:
        with transaction.atomic():
            leases.hold_check(station_id=run.station_id, token=1)
            stack.enter_context(in_thread(steal))
            assert stealing.wait(10)
            assert not stolen.wait(0.3), "the lease was taken between the check and the write"
            Run.objects.filter(pk=run.pk).update(cause="written under the lease")
        assert stolen.wait(10)
