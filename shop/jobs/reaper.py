"""The clockwork of jobs: send again what waits, interrupt what lost its worker, lapse claims."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from celery.exceptions import OperationalError as BrokerError
from django.conf import settings
from django.db import transaction

from shop.equipment import leases
from shop.equipment.models import StationLease
from shop.equipment.states import OutputState
from shop.jobs.attending import waits_for_somebody
from shop.jobs.ending import Ending, trip_told
from shop.jobs.manifest import seal
from shop.jobs.models import Job, Run
from shop.jobs.moves import move_job, move_run
from shop.jobs.policies import policy_of
from shop.jobs.queries import before_its_moment, policy_in_force, stopped_by
from shop.jobs.results import suspect_cells
from shop.jobs.services.acts import end_run
from shop.jobs.services.starts import send_run
from shop.jobs.states import LEASED_STATES, JobState, RunState
from shop.refusals import StaleTransition
from shop.signing.keyring import KeyUnusable

log = logging.getLogger(__name__)

LOST = "The worker was lost; the bench switched off by itself."
UNHEARD_MAX = timedelta(minutes=1)  # how long a run that is to be stopped waits for a worker
UNPLANNED_MAX = timedelta(hours=1)  # for a run that was lost before it had a program
# States in which a session is or was open, and a worker concludes as soon as it is closed.
DRIVEN = (RunState.PREFLIGHT, RunState.RUNNING, RunState.SAFE_HOLD)


def resend_queued(*, now: datetime) -> None:
    """Send every run that is QUEUED on a station that nobody holds, once its moment has come.

    A message may have been lost; one too many is a no-op by the lease.
    """
    waiting = Run.objects.filter(state=RunState.QUEUED, station__lease__owner__isnull=True)
    waiting = waiting.exclude(before_its_moment(now))
    for run_id, slug in waiting.values_list("pk", "station__slug"):
        _send(run_id, slug)


def _send(run_id: int, slug: str) -> None:
    try:
        send_run(run_id, slug)
    except BrokerError as error:
        log.warning("run %s waits for the broker: %s", run_id, error)


def reap(*, now: datetime) -> None:
    """Interrupt runs that lost their worker; let those proven off and wholly stored go on."""
    _interrupt_lapsed(now)
    _interrupt_left(now)
    for run in Run.objects.filter(state=RunState.INTERRUPTED):
        _go_on(run.pk, now)
    lapse_claims(now=now)


def _interrupt_lapsed(now: datetime) -> None:
    with transaction.atomic():
        for station_id, run_id, token in leases.lapsed(grace_s=settings.LEASE_GRACE_S):
            run = Run.objects.select_for_update().get(pk=run_id)
            if run.state in LEASED_STATES and run.token == token:
                # Unknown until the guardian, through the uplink, says otherwise.
                StationLease.objects.filter(station_id=station_id).update(
                    output_state=OutputState.UNKNOWN
                )
                move_run(run, RunState.INTERRUPTED, now=now, data={"token": token}, cause=LOST)


def _interrupt_left(now: datetime) -> None:
    """A run whose bench is off and has closed its journal, and that no worker concludes.

    Its worker was lost, and its guardian says so long before the lease lapses.
    """
    left = Run.objects.filter(
        state__in=DRIVEN,
        journal_closed_at__lt=now - timedelta(seconds=settings.TAKEOVER_S),
        station__lease__output_state=OutputState.OFF,
    )
    for run_id in left.values_list("pk", flat=True):
        with transaction.atomic():
            StationLease.objects.select_for_update().get(station__runs=run_id)
            run = left.select_for_update(of=("self",)).filter(pk=run_id).first()
            if run is not None:
                data = {"token": run.token}
                move_run(run, RunState.INTERRUPTED, now=now, data=data, cause=LOST)


def _go_on(run_id: int, now: datetime) -> None:
    """Send an interrupted run to its station's worker; end it where that is not wanted any more.

    Not before its readings are all stored and its output is proven off.
    """
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
            waits = run.stop_requested_at is None and waits_for_somebody(run, now)
            ending = _ending(run, now)
            if ending is not None:
                seal(run, ending, now=now)
                if ending.state == RunState.TRIPPED:
                    suspect_cells(run, ending.reason, now)
                end_run(run, ending.state, cause=ending.reason, now=now)
                leases.release(station_id=run.station_id, token=run.token or 0)
    except StaleTransition:
        log.info("run %s moved on meanwhile", run_id)
    except KeyUnusable as error:
        log.error("run %s waits to be sealed: %s", run_id, error)
    else:
        if ending is None and not waits:
            _send(run_id, run.station.slug)


def _ending(run: Run, now: datetime) -> Ending | None:
    """None while a worker may still take it up: that one decides by what the journal tells.

    Without one the end is said for a stop, or after long enough, and a trip is never forgotten.
    """
    closed_at = run.journal_closed_at or now
    if run.stop_requested_at is not None:
        if now - max(closed_at, run.stop_requested_at) <= UNHEARD_MAX:
            return None
        return trip_told(run) or Ending(RunState.STOPPED, stopped_by(run))
    longest = timedelta(seconds=(run.program or {}).get("resume", {}).get("wait_max", 0.0))
    waited = now - closed_at
    if waited <= max(longest, UNPLANNED_MAX):
        return None
    words = f"{run.cause or LOST} No worker went on with it for {waited}."
    return trip_told(run) or Ending(RunState.ERROR, words)


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
