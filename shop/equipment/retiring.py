"""A station gets another name, or takes no job any more; what was done there stays (F1)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.equipment.models import Station, StationLease, StationRetirement
from shop.equipment.rules.registering import text_problems
from shop.equipment.services import hold_station
from shop.equipment.states import OutputState
from shop.jobs.models import Job
from shop.jobs.queries import alive_runs
from shop.jobs.states import JobState
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, reason_problems, refuse


def rename_station(*, station: Station, name: str, by: User, now: datetime) -> Station:
    """What people call it; its short name stays, for bench.toml and journals have it."""
    require(by.role, Act.DEFINE)
    name = name.strip()
    refuse(text_problems(name, 100, what="The name", about="name"))
    with transaction.atomic():
        hold_station(station.pk)
        row = Station.objects.get(pk=station.pk)
        before, row.name = row.name, name
        row.save(update_fields=["name"])
        data = {"from": before}
        audit.record(kind=AuditEntry.Kind.STATION_RENAMED, by=by, now=now, data=data, of=row)
    return row


def retire_station(
    *, station: Station, words: str, by: User, now: datetime, seen_off: bool = False
) -> StationRetirement:
    """It takes no job from now on, for good; refused while a job or an output is on it.

    Where nobody knows whether its output is off, `by` has `seen_off` at the bench that it is.
    """
    require(by.role, Act.DEFINE)
    refuse(reason_problems(words, "A station is retired with a reason."))
    with transaction.atomic():
        hold_station(station.pk)  # a claim comes before or after
        lease = StationLease.objects.select_for_update().filter(station=station).first()
        refuse(_problems(station, lease, seen_off=seen_off))
        data = {}
        if lease is not None and _is_in_doubt(lease):
            data = {"seen_off": True, "output_before": lease.output_state}
            lease.output_state, lease.output_at = OutputState.SEEN_OFF, now
            lease.save(update_fields=["output_state", "output_at"])
        made = StationRetirement.objects.create(station=station, words=words.strip(), by=by, at=now)
        audit.record(kind=AuditEntry.Kind.STATION_RETIRED, by=by, now=now, data=data, of=made)
    return made


def _problems(station: Station, lease: StationLease | None, *, seen_off: bool) -> list[Problem]:
    slug = station.slug
    if StationRetirement.objects.filter(station=station).exists():
        words = f"Station {slug} is retired already."
        return [Problem("station_retired", words, "Register a new one to work there again.")]
    found = []
    if alive_runs().filter(station=station).exists():
        fix = "Retire it when the run is over and the output is off."
        found.append(Problem("station_busy", f"Station {slug} is running a job.", fix))
    if lease is not None and lease.output_state == OutputState.ON:
        fix = "Switch it off at the bench, and see that it is."
        found.append(Problem("output_on", f"The output of station {slug} is on.", fix))
    if lease is not None and _is_in_doubt(lease) and not seen_off:
        words = f"Nobody knows whether the output of station {slug} is off."
        fix = "Let its guardian prove it; or go there, see that it is off, and tick that you did."
        found.append(Problem("output_unknown", words, fix, about="seen_off"))
    claimed = Job.objects.filter(station=station, state=JobState.CLAIMED).order_by("pk")
    found += [
        Problem("job_claimed", f"Job {pk} is claimed there.", "Release its claim first.")
        for pk in claimed.values_list("pk", flat=True)
    ]
    return found


def _is_in_doubt(lease: StationLease) -> bool:
    """Whether its bench was heard of, and what its output is was lost since."""
    return lease.heartbeat_at is not None and lease.output_state == OutputState.UNKNOWN
