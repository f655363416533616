"""Registering a lead set, and putting it on a station's supply (B6)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.equipment.models import Station
from shop.jobs.queries import alive_runs
from shop.leads.models import LeadFitting, LeadSet
from shop.leads.rules import new_problems
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, refuse


def register_lead_set(
    *, label: str, gauge_mm2: float, length_m: float, end: str, by: User, now: datetime
) -> LeadSet:
    """A new pair of cables; `gauge_mm2` of one conductor, `length_m` of one cable."""
    require(by.role, Act.DEFINE)
    label = label.strip()
    refuse(new_problems(label, gauge_mm2, length_m, end))
    try:
        with transaction.atomic():
            made = LeadSet.objects.create(
                label=label, gauge_mm2=gauge_mm2, length_m=length_m, end=end, by=by, at=now
            )
            audit.record(kind=AuditEntry.Kind.LEADS_REGISTERED, by=by, now=now, of=made)
    except IntegrityError as error:
        words = f"There is a lead set {label!r} already."
        raise Refusal([Problem("lead_set_known", words, "Choose a new name.")]) from error
    return made


def fit_leads(*, station: Station, lead_set: LeadSet, by: User, now: datetime) -> LeadFitting:
    """`lead_set` lies at `station` from now on, and nowhere else; refused while a run lives."""
    require(by.role, Act.COMMISSION)
    with transaction.atomic():
        if alive_runs().filter(station=station).exists():
            words = f"Station {station.slug} is running a job."
            fix = "Change leads when it is over and the output is off."
            raise Refusal([Problem("station_busy", words, fix)])
        made = LeadFitting.objects.create(lead_set=lead_set, station=station, by=by, at=now)
        audit.record(kind=AuditEntry.Kind.LEADS_FITTED, by=by, now=now, of=made)
    return made
