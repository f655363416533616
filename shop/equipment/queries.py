"""Reads of equipment: calibration in force, and how a station stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from shop.equipment.models import Calibration, Commissioning, Station
from shop.equipment.rules import Commissioned


def calibrations_in_force(station: Station, at: datetime) -> Mapping[int, Calibration]:
    """By instrument, the newest record whose span holds `at`, both ends inclusive.

    A certificate that was withdrawn is none.
    """
    spans = Calibration.objects.filter(
        instrument__station=station,
        valid_from__lte=at,
        valid_until__gte=at,
        withdrawal__isnull=True,
    )
    newest = spans.order_by("instrument_id", "-id").distinct("instrument_id")
    return {calibration.instrument_id: calibration for calibration in newest}


def newest_commissionings(stations: Iterable[Station]) -> Mapping[int, Commissioning]:
    """By station, the report that was measured last; in one query."""
    newest = Commissioning.objects.filter(station__in=stations).distinct("station_id")
    return {row.station_id: row for row in newest.order_by("station_id", "-measured_at", "-id")}


def commissioned(row: Commissioning | None) -> Commissioned | None:
    """What the rules ask of a report."""
    if row is None:
        return None
    return Commissioned(
        measured_at=row.measured_at,
        passed=row.passed,
        instruments={said.role: said.serial_number for said in row.report.instruments},
    )
