"""A worker's session on a bench, and the run that it holds the lease for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from shop import clock
from shop.equipment.models import StationLease
from shop.jobs.models import Run
from shop.jobs.states import RunState
from stations.guardian_client import GuardianBench
from stations.values import Reading
from tests import factories
from tests.faults.guarded import LIMITS, next_reading
from tests.shop.jobs.shop_bench import ShopBench


@contextmanager
def session_of(bench: ShopBench, run: Run, *, token: int = 1) -> Iterator[GuardianBench]:
    """The session of a worker of `run`, who holds the lease with that token."""
    StationLease.objects.filter(station=bench.station).update(
        token=token, run=run, owner=uuid4(), expires_at=clock.now() + timedelta(minutes=1)
    )
    with GuardianBench(
        bench.guarded.sim.config.socket,
        run=str(run.pk),
        attempt=run.attempt,
        token=token,
        limits=LIMITS,
        program={"name": "test", "version": "1"},
        valid_s=600.0,
    ) as session:
        yield session


def leased_run(bench: ShopBench) -> Run:
    return factories.make_run(
        by=bench.cast.tola, station=bench.station, state=RunState.PREFLIGHT, token=1
    )


def take(session: GuardianBench, number: int) -> Reading:
    for _ in range(number - 1):
        next_reading(session)
    return next_reading(session)


def edited_run(bench: ShopBench, *, kind: str) -> Run:
    """A run of three readings that ended so, and whose journal was edited afterwards."""
    run = leased_run(bench)
    with session_of(bench, run) as session:
        take(session, 3)
        session.close(kind=kind, reason="test")
    path = bench.guarded.sim.config.journal / f"{run.pk}-1.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"seq":2', b'"seq":9'))
    return run
