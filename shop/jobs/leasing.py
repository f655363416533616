"""A run's lease: taken once, renewed while its worker lives, given back with the run's end."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from shop import clock
from shop.equipment import leases
from shop.jobs.models import Run
from shop.jobs.moves import move_run
from shop.jobs.states import RunState


@dataclass(frozen=True, slots=True)
class Held:
    """A run whose lease is ours: every write says the token."""

    run: Run
    token: int

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
    """Win the lease for a QUEUED run, or None: a duplicate message, a stop, a busy station."""
    with transaction.atomic():
        run = (
            Run.objects.select_for_update(of=("self",))
            .select_related("station", "job__recipe_version__recipe")
            .filter(pk=run_id, state=RunState.QUEUED)
            .first()
        )
        if run is None:
            return None
        token = leases.claim(
            station_id=run.station_id,
            run_id=run.pk,
            owner=uuid4(),
            boot_id=boot_id,
            ttl_s=settings.LEASE_TTL_S,
            grace_s=settings.LEASE_GRACE_S,
        )
        if token is None:
            return None
        Run.objects.filter(pk=run.pk).update(token=token)
        run.token = token
        move_run(run, RunState.LEASED, now=clock.now(), data={"token": token})
    return Held(run, token)
