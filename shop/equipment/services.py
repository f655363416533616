"""Stations, instruments and calibration: what a supervisor defines."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from shop.equipment.models import Calibration, Instrument, Station, StationLease
from shop.equipment.states import InstrumentRole
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal


def register_station(*, slug: str, name: str, host: str, by: User) -> Station:
    """A station, with its lease: output UNKNOWN until its guardian has been heard."""
    require(by.role, Act.DEFINE)
    try:
        with transaction.atomic():
            station = Station.objects.create(slug=slug, name=name, host=host)
            StationLease.objects.create(station=station)
    except IntegrityError as error:
        raise Refusal(
            [
                Problem(
                    "station_known", f"There is a station {slug!r} already.", "Choose a new name."
                )
            ]
        ) from error
    return station


def register_instrument(
    *, station: Station, role: str, driver: str, model: str, serial_number: str, by: User
) -> Instrument:
    """One instrument on one station; a serial number is known once in the shop (F1, F3)."""
    require(by.role, Act.DEFINE)
    if role not in list(InstrumentRole):
        known = ", ".join(InstrumentRole)
        raise Refusal(
            [Problem("unknown_role", f"No role {role!r} for an instrument.", f"Known: {known}.")]
        )
    try:
        with transaction.atomic():
            return Instrument.objects.create(
                station=station, role=role, driver=driver, model=model, serial_number=serial_number
            )
    except IntegrityError as error:
        raise Refusal(
            [
                Problem(
                    "instrument_known",
                    f"{serial_number} is registered already, or {station.slug} has a {role}.",
                    "An instrument belongs to exactly one station and one role.",
                )
            ]
        ) from error


def record_calibration(
    *,
    instrument: Instrument,
    valid_from: datetime,
    valid_until: datetime,
    certificate: str,
    by: User,
    now: datetime,
) -> Calibration:
    """A new certificate; earlier ones stay as they were (append-only)."""
    require(by.role, Act.DEFINE)
    if not valid_from < valid_until:
        raise Refusal(
            [
                Problem(
                    "calibration_span",
                    f"The certificate would end ({valid_until:%Y-%m-%d}) before it begins.",
                    "Check the two dates.",
                )
            ]
        )
    return Calibration.objects.create(
        instrument=instrument,
        valid_from=valid_from,
        valid_until=valid_until,
        certificate=certificate,
        recorded_at=now,
    )
