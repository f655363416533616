"""Ending a run whose bench host is lost for good, on a supervisor's word.

Nobody else can: a worker goes on only where the bench's journal is, and the reaper waits until the
output is proven off.  So a person stands at the bench, sees the output off, parts it from the
cells, and says so; the shop must not have heard of the bench for a policy's time.  What is stored
of the run is sealed as it is; a journal that turns up later stays at its bench.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.equipment import leases
from shop.equipment.models import StationLease
from shop.equipment.states import OutputState
from shop.jobs.ending import Ending, trip_told
from shop.jobs.manifest import seal
from shop.jobs.models import JobEvent, Run
from shop.jobs.queries import policy_numbers
from shop.jobs.results import suspect_cells
from shop.jobs.rules import acting
from shop.jobs.services.acts import end_run
from shop.jobs.states import RunState
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, reason_problems, refuse

# What the supervisor confirms, word by word.
CONFIRMATIONS: Mapping[str, str] = {
    "seen_off": "I stood at the bench and saw the output off: supply and load show it by "
    "themselves, or have no mains.",
    "parted": "The leads are off the cells: nothing flows when the bench comes back.",
}


def lost_problems(run: Run, *, now: datetime) -> list[Problem]:
    """Why this run cannot be given up now; empty where its bench counts as lost."""
    lease = StationLease.objects.get(station_id=run.station_id)
    return acting.lost_problems(
        state=run.state,
        is_held=not leases.is_lapsed(station_id=run.station_id, grace_s=settings.LEASE_GRACE_S),
        silent_for=now - (lease.heartbeat_at or run.queued_at),
        silent_least=timedelta(seconds=policy_numbers().bench_lost_s),
        goes_on=lease.output_state == OutputState.OFF and run.journal_closed_at is not None,
    )


def give_up(*, run: Run, confirmed: Collection[str], words: str, by: User, now: datetime) -> Run:
    """End the run as ERROR, or as TRIPPED where the bench had told of a trip; free its station.

    `confirmed` are the keys of CONFIRMATIONS that `by` said.  The output is then off on a
    person's word alone: a new run waits for a guardian's proof.
    """
    require(by.role, Act.GIVE_UP)
    with transaction.atomic():
        # The lease before the run, as everybody locks them who holds it.
        lease = StationLease.objects.select_for_update().get(station_id=run.station_id)
        run = Run.objects.select_for_update(of=("self",)).select_related("station").get(pk=run.pk)
        refuse([*lost_problems(run, now=now), *_unsaid(confirmed, words)])
        told = {
            "words": words.strip(),
            "confirmed": [CONFIRMATIONS[key] for key in CONFIRMATIONS],
            "output_before": lease.output_state,
            "heard": lease.heartbeat_at.isoformat() if lease.heartbeat_at else "",
            "readings_stored": run.stored_seq,
            "journal_stored": run.journal_closed_at is not None,
        }
        reason = f"The bench was lost; {by.words} saw its output off: {words.strip()}"
        ending = trip_told(run) or Ending(RunState.ERROR, reason)
        JobEvent.objects.create(
            job_id=run.job_id, run=run, kind="given_up", by=by, at=now, data=told
        )
        if run.journal_closed_at is None:
            # For the uplink nothing is left to store: the seal tells what was.
            Run.objects.filter(pk=run.pk).update(journal_closed_at=now)
        seal(run, ending, now=now)
        if ending.state == RunState.TRIPPED:
            suspect_cells(run, ending.reason, now)
        end_run(run, ending.state, cause=ending.reason, now=now, by=by)
        leases.release(station_id=run.station_id, token=run.token or 0)
        StationLease.objects.filter(pk=lease.pk).update(
            output_state=OutputState.SEEN_OFF, output_at=now
        )
        data = {"run": run.pk, "station": run.station.slug, **told}
        audit.record(kind=AuditEntry.Kind.RUN_GIVEN_UP, by=by, now=now, data=data)
    run.refresh_from_db()
    return run


def _unsaid(confirmed: Collection[str], words: str) -> list[Problem]:
    found = [
        Problem("not_confirmed", f"Nobody has confirmed: {said}", "Go there, look, then say so.")
        for key, said in CONFIRMATIONS.items()
        if key not in confirmed
    ]
    said, what = "A run is given up with a reason.", "what happened to the bench"
    return found + reason_problems(words, said, what=what, most=400)
