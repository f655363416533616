"""The clockwork of jobs: send again what is queued, end what lost its worker, let claims lapse."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from celery.exceptions import OperationalError as BrokerError
from django.conf import settings
from django.db import transaction

from shop.equipment import leases
from shop.equipment.models import StationLease
from shop.equipment.states import OutputState
from shop.jobs.defaults import policy_of
from shop.jobs.ending import Ending
from shop.jobs.manifest import seal
from shop.jobs.models import Job, Run
from shop.jobs.moves import move_job, move_run
from shop.jobs.queries import policy_in_force
from shop.jobs.services import end_run, send_run
from shop.jobs.states import LEASED_STATES, JobState, RunState
from shop.refusals import StaleTransition
from shop.signing.keyring import KeyUnusable

log = logging.getLogger(__name__)

LOST = "The worker was lost; the bench switched off by itself."


def resend_queued() -> None:
    """Send again every run that is QUEUED on a station that nobody holds.

    A message may have been lost; one too many is a no-op by the lease.
    """
    waiting = Run.objects.filter(state=RunState.QUEUED, station__lease__owner__isnull=True)
    for run_id, slug in waiting.values_list("pk", "station__slug"):
        try:
            send_run(run_id, slug)
        except BrokerError as error:
            log.warning("run %s waits for the broker: %s", run_id, error)


def reap(*, now: datetime) -> None:
    """Interrupt runs whose lease lapsed, end those that are proven off and wholly stored."""
    _interrupt(now)
    for run in Run.objects.filter(state=RunState.INTERRUPTED).select_related("station"):
        _end_interrupted(run.pk, now)
    lapse_claims(now=now)


def _interrupt(now: datetime) -> None:
    with transaction.atomic():
        for station_id, run_id, token in leases.lapsed(grace_s=settings.LEASE_GRACE_S):
            run = Run.objects.select_for_update().get(pk=run_id)
            if run.state in LEASED_STATES and run.token == token:
                # Unknown until the guardian, through the uplink, says otherwise.
                StationLease.objects.filter(station_id=station_id).update(
                    output_state=OutputState.UNKNOWN
                )
                move_run(run, RunState.INTERRUPTED, now=now, data={"token": token})


def _end_interrupted(run_id: int, now: datetime) -> None:
    """To ERROR once nothing is left to store and the output is proven off; frees the station."""
    try:
        with transaction.atomic():
            # The lease before the run, as everybody locks them who holds it.
            lease = StationLease.objects.select_for_update().get(station__runs=run_id)
            run = (
                Run.objects.select_for_update(of=("self",)).select_related("station").get(pk=run_id)
            )
            stored = run.journal_closed_at is not None
            if run.state != RunState.INTERRUPTED or not stored:
                return
            if lease.output_state != OutputState.OFF:
                return
            seal(run, Ending(RunState.ERROR, LOST), now=now)
            end_run(run, RunState.ERROR, cause=LOST, now=now)
            leases.release(station_id=run.station_id, token=run.token or 0)
    except StaleTransition:
        log.info("run %s moved on meanwhile", run_id)
    except KeyUnusable as error:
        log.error("run %s waits to be sealed: %s", run_id, error)


def lapse_claims(*, now: datetime) -> None:
    """F2: a claim that nobody started for as long as the policy allows is given back."""
    policy = policy_in_force()
    if policy is None:
        return
    limit = timedelta(seconds=policy_of(policy.parameters).claim_lapses_s)
    for job in Job.objects.filter(state=JobState.CLAIMED, claimed_at__lt=now - limit):
        try:
            move_job(
                job,
                JobState.OPEN,
                kind="claim_lapsed",
                by=None,
                now=now,
                held_by=job.claimed_by,
                station=None,
                claimed_by=None,
                claimed_at=None,
            )
        except StaleTransition:
            log.info("job %s was taken up in time", job.pk)
