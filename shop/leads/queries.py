"""Which leads lie where, and what each commissioning and run measured of them (B6).

Nothing is stored of a measurement: it is read from the bench's report and from the sealed records
of the runs that were done while the set lay at the station.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from django.db.models import Exists, OuterRef

from shop.equipment.models import Commissioning, Station
from shop.evidence.canonical import MILLIONTHS
from shop.leads.models import LeadFitting, LeadSet
from shop.leads.rules import Leads
from shop.readings.models import Manifest

NEWEST = 20  # measurements of one set that are looked at


@dataclass(frozen=True, slots=True)
class Measured:
    """What both leads had in series with their ends, by a commissioning or by a run."""

    milliohm: float
    at: datetime
    station: str
    run: int | None = None


def fitted(stations: Iterable[Station]) -> Mapping[int, LeadSet]:
    """By station, the set that lies there now: the newest of the station, and of the set."""
    moved_on = LeadFitting.objects.filter(lead_set=OuterRef("lead_set"), pk__gt=OuterRef("pk"))
    rows = (
        LeadFitting.objects.filter(station__in=stations)
        .order_by("station_id", "-id")
        .distinct("station_id")
        .annotate(moved_on=Exists(moved_on))
        .select_related("lead_set")
    )
    return {row.station_id: row.lead_set for row in rows if not row.moved_on}


def leads_at(station: Station) -> Leads | None:
    """The set at a station, whatever was measured of it; None where none is on record."""
    lead_set = fitted([station]).get(station.pk)
    return leads_of(lead_set) if lead_set is not None else None


def leads_of(lead_set: LeadSet, history: Sequence[Measured] = ()) -> Leads:
    """As the rules see it; `history` newest first."""
    last = next(iter(history), None)
    return Leads(
        label=lead_set.label,
        gauge_mm2=lead_set.gauge_mm2,
        length_m=lead_set.length_m,
        end=lead_set.end,
        milliohm=last.milliohm if last else math.nan,
    )


def measured(lead_set: LeadSet) -> list[Measured]:
    """Newest first, over every station that it lay at."""
    found: list[Measured] = []
    for since, until, station in _spans(lead_set):
        reports = Commissioning.objects.filter(station=station, measured_at__gte=since)
        manifests = Manifest.objects.filter(run__station=station, run__queued_at__gte=since)
        if until is not None:
            reports = reports.filter(measured_at__lt=until)
            manifests = manifests.filter(run__queued_at__lt=until)
        for report in reports.order_by("-measured_at")[:NEWEST]:
            value = report.report.lead_milliohm
            if math.isfinite(value):
                found.append(Measured(value, report.measured_at, station.slug))
        for manifest in manifests.order_by("-recorded_at")[:NEWEST]:
            value = _milliohm(manifest)
            if math.isfinite(value):
                found.append(Measured(value, manifest.recorded_at, station.slug, manifest.run_id))
    return sorted(found, key=lambda one: one.at, reverse=True)[:NEWEST]


def _spans(lead_set: LeadSet) -> list[tuple[datetime, datetime | None, Station]]:
    """From when, until when, and at which station it lay; until the set or the station changed."""
    rows = list(lead_set.fittings.select_related("station").order_by("id"))
    spans = []
    for row, following in zip_longest(rows, rows[1:]):
        other = (
            LeadFitting.objects.filter(station=row.station, pk__gt=row.pk).order_by("id").first()
        )
        ends = [after.at for after in (following, other) if after is not None]
        spans.append((row.at, min(ends, default=None), row.station))
    return spans


def _milliohm(manifest: Manifest) -> float:
    """Of the last charge of the attempt that saw them; NaN where none did."""
    for record in reversed(manifest.body.get("records", [])):
        ohm: int | None = dict(record.get("facts", [])).get("lead_ohm")
        if ohm is not None:
            return 1000 * ohm / MILLIONTHS
    return math.nan
