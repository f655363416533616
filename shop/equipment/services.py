"""Stations and calibration, which a supervisor defines, and what a bench showed of itself."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.equipment.models import (
    Calibration,
    Commissioning,
    Instrument,
    Station,
    StationLease,
)
from shop.equipment.rules.registering import certificate_problems, station_problems
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, refuse
from stations.commissioning.figures import Tolerances
from stations.commissioning.report import Report, ReportWrong, decode
from stations.drivers.registry import DRIVERS

CLOCKS_APART_MAX = timedelta(minutes=5)  # of bench and shop


def register_station(*, slug: str, name: str, host: str, by: User, now: datetime) -> Station:
    """A station, with its lease: output UNKNOWN until its guardian has been heard."""
    require(by.role, Act.DEFINE)
    slug, name, host = slug.strip(), name.strip(), host.strip()
    refuse(station_problems(slug, name, host))
    try:
        with transaction.atomic():
            station = Station.objects.create(slug=slug, name=name, host=host)
            StationLease.objects.create(station=station)
            audit.record(kind=AuditEntry.Kind.STATION_REGISTERED, by=by, now=now, of=station)
    except IntegrityError as error:
        words = f"There is a station {slug!r} already."
        raise Refusal([Problem("station_known", words, "Choose a new name.", "slug")]) from error
    return station


def hold_station(pk: int) -> None:
    """Until the transaction ends a start and a change of instruments take turns here (F1)."""
    Station.objects.select_for_update(no_key=True).get(pk=pk)


def record_calibration(
    *,
    instrument: Instrument,
    valid_from: datetime,
    valid_until: datetime,
    certificate: str,
    by: User,
    now: datetime,
) -> Calibration:
    """A new certificate; earlier ones stay as they were (append-only).

    One that has ended is taken too: it still stands for what was measured while it was valid.
    """
    require(by.role, Act.DEFINE)
    certificate = certificate.strip()
    refuse(certificate_problems(certificate, valid_from, valid_until))
    with transaction.atomic():
        calibration = Calibration.objects.create(
            instrument=instrument,
            valid_from=valid_from,
            valid_until=valid_until,
            certificate=certificate,
            recorded_at=now,
        )
        audit.record(kind=AuditEntry.Kind.CALIBRATED, by=by, now=now, of=calibration)
    return calibration


def record_commissioning(
    *, station: Station, document: bytes, by: User, now: datetime
) -> Commissioning:
    """Take the report of a bench in; the same one again is the row that is there already.

    A report that did not pass is taken in too: it is the newest word on the station.  Refused
    is what is no report, or one of another station, other instruments or other tolerances.
    """
    require(by.role, Act.COMMISSION)
    try:
        report = decode(document)
    except ReportWrong as error:
        raise Refusal([Problem("report", "This is no report of a bench.", str(error))]) from error
    refuse(_report_problems(station, report, now))
    text = document.decode().strip()
    with transaction.atomic():
        made, is_new = Commissioning.objects.get_or_create(
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            defaults={
                "station": station,
                "document": text,
                "measured_at": report.at,
                "passed": report.passed,
                "by": by,
                "at": now,
            },
        )
        if is_new:
            audit.record(kind=AuditEntry.Kind.COMMISSIONED, by=by, now=now, of=made)
    return made


def _report_problems(station: Station, report: Report, now: datetime) -> list[Problem]:
    found = []
    if report.station != station.slug:
        words = f"The report is of station {report.station!r}, not of {station.slug!r}."
        found.append(Problem("other_station", words, "Send it to the station that it is of."))
    if report.at > now + CLOCKS_APART_MAX:
        words = f"The report is of {report.at:%Y-%m-%d %H:%M} UTC, which is not yet."
        found.append(
            Problem("report_early", words, "Set the clock of the bench, then check again.")
        )
    said = {(i.role, i.driver, i.model, i.serial_number) for i in report.instruments}
    ours = {(i.role, i.driver, i.model, i.serial_number) for i in station.wired}
    for role, driver, model, serial_number in sorted(said ^ ours):
        where = "in the report" if (role, driver, model, serial_number) in said else "registered"
        words = f"Only {where}: {role} {model} {serial_number} ({driver})."
        fix = "Register the instruments of the bench, or check the bench again."
        found.append(Problem("other_instruments", words, fix))
    drivers = {instrument.role: instrument.driver for instrument in report.instruments}
    supply, load = (DRIVERS.get(drivers.get(role, "")) for role in ("supply", "load"))
    by = report.judged_by
    other_load = by.load is not None and (load is None or by.load != load.ratings)
    other_supply = supply is None or by.supply != supply.ratings
    if by.tolerances != Tolerances() or other_supply or other_load:
        words = "The report was judged by other tolerances or ratings than this shop's."
        fix = "Bring bench and shop to the same version, then check again."
        found.append(Problem("other_tolerances", words, fix))
    return found
