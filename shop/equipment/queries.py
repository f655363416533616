"""Reads of equipment: calibration in force, and how a station stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shop.equipment.models import Calibration, Commissioning, Instrument, Station
from shop.equipment.rules.commissioning import Commissioned
from shop.equipment.states import UNCALIBRATED, InstrumentRole
from stations.values import Measured

# Of another one of these the figures say nothing.
MEASURING = (InstrumentRole.SUPPLY.value, InstrumentRole.METER.value)


@dataclass(frozen=True, slots=True)
class Certified:
    """An instrument of a report with its certificate, None where it had none."""

    instrument: Instrument
    calibration: Calibration | None


def calibrations_in_force(station: Station, at: datetime) -> Mapping[int, Calibration]:
    """Of what lies at the station, by instrument; see `in_force`."""
    return in_force(station.instruments.all(), at)


def in_force(instruments: Iterable[Instrument], at: datetime) -> Mapping[int, Calibration]:
    """By instrument, the newest record whose span holds `at`, both ends inclusive.

    A certificate that was withdrawn is none.
    """
    spans = Calibration.objects.filter(
        instrument__in=instruments,
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


def measured_of(station: Station) -> Measured:
    """What the newest report found of supply and leads, if it is of these instruments."""
    row = newest_commissionings([station]).get(station.pk)
    said = commissioned(row)
    ours = {i.role: i.serial_number for i in station.instruments.all() if i.role in MEASURING}
    if row is None or said is None:
        return Measured()
    if ours != {role: said.instruments.get(role) for role in ours}:
        return Measured()
    return row.report.measured


def commissioned(row: Commissioning | None) -> Commissioned | None:
    """What the rules ask of a report."""
    if row is None:
        return None
    return Commissioned(
        measured_at=row.measured_at,
        passed=row.passed,
        instruments={said.role: said.serial_number for said in row.report.instruments},
        tried_load=row.report.tried_load,
    )


def certificates_of(row: Commissioning) -> list[Certified]:
    """Each calibrated instrument of a report, by what was in force when it was measured.

    As the shop's certificates stand now: one that was withdrawn since is none.
    """
    serials = [said.serial_number for said in row.report.instruments]
    known = [
        instrument
        for instrument in Instrument.objects.filter(serial_number__in=serials).order_by("pk")
        if instrument.role not in UNCALIBRATED
    ]
    valid = in_force(known, row.measured_at)
    return [Certified(instrument, valid.get(instrument.pk)) for instrument in known]


def certificates_of_newest(station: Station) -> list[Certified]:
    """Likewise of the newest report of a station; none without one."""
    row = newest_commissionings([station]).get(station.pk)
    return certificates_of(row) if row else []
