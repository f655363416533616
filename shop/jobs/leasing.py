"""A run's lease: taken once, renewed while its worker lives, given back with the run's end."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from shop import clock
from shop.equipment import leases
from shop.equipment.models import StationLease
from shop.jobs.models import Run
from shop.jobs.moves import move_run
from shop.jobs.states import RunState


@dataclass(frozen=True, slots=True)
class Held:
    """A run whose lease is ours: every write says the token.

    `resumes`: an earlier attempt was interrupted; what it left must be looked at first.
    """

    run: Run
    token: int
    resumes: bool = False

    @property
    def station_id(self) -> int:
        return self.run.station_id

    def renew(self) -> bool:
        return leases.renew(
            station_id=self.station_id, token=self.token, ttl_s=settings.LEASE_TTL_S
        )

    def check(self) -> None:
        """Raise LeaseLost unless ours; the lease stays locked for the caller's transaction."""
        leases.hold_check(station_id=self.station_id, token=self.token)


def take(run_id: int, *, boot_id: str = "") -> Held | None:
    """Win the lease for a QUEUED run or an INTERRUPTED one whose readings are all stored.

    None for a duplicate message, a busy station, an output that is not proven off.  One that is
    to be stopped is taken too: what its journal tells has to be concluded.
    """
    with transaction.atomic():
        run = _locked(run_id, RunState.QUEUED, RunState.INTERRUPTED)
        if run is None:
            return None
        if run.terms.is_queued(clock.now()):
            return None  # F6: it waits for its moment, whoever sent it
        resumes = run.state == RunState.INTERRUPTED
        if resumes and run.journal_closed_at is None:
            return None
        token = leases.claim(
            station_id=run.station_id,
            run_id=run.pk,
            owner=uuid4(),
            boot_id=boot_id,
            ttl_s=settings.LEASE_TTL_S,
            recovers=resumes,
        )
        if token is None:
            return None
        move_run(run, RunState.LEASED, now=clock.now(), data={"token": token}, token=token)
    return Held(run, token, resumes)


def readopt(run_id: int, *, token: int) -> bool:
    """Whether an INTERRUPTED run is RUNNING again under the token that it was interrupted with.

    Its bench was out of reach for longer than a lease, and went on by itself as it may; nobody
    has taken the run meanwhile.
    """
    with transaction.atomic():
        run = _locked(run_id, RunState.INTERRUPTED)
        if run is None or run.token != token:
            return False
        move_run(run, RunState.RUNNING, now=clock.now(), data={"token": token})
        return leases.renew(station_id=run.station_id, token=token, ttl_s=settings.LEASE_TTL_S)


def _locked(run_id: int, *states: RunState) -> Run | None:
    """The run in one of `states`; the lease is locked before it, as by everybody who holds it."""
    StationLease.objects.select_for_update(of=("self",)).filter(station__runs=run_id).first()
    return (
        Run.objects.select_for_update(of=("self",))
        .select_related("station", "job__recipe_version__recipe")
        .prefetch_related("station__instruments")
        .filter(pk=run_id, state__in=states)
        .first()
    )
