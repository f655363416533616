"""Which instruments a station has: put there, taken off, put on another (F1).

An instrument's row stays for ever, for evidence names it; only where it lies changes, and the
audit tells each change.  Nothing changes at a station while a run lives there: what the run was
begun with is what its records are of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.equipment.models import Instrument, Station, StationRetirement
from shop.equipment.rules.registering import (
    Known,
    Named,
    left_to_place,
    named_problems,
    place_problems,
)
from shop.equipment.services import hold_station
from shop.jobs.queries import alive_runs
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, StaleTransition, reason_problems, refuse
from stations.config import BOARDS
from stations.drivers.registry import DRIVERS

REGISTERED = AuditEntry.Kind.INSTRUMENT_REGISTERED
FITTED = AuditEntry.Kind.INSTRUMENT_FITTED
TAKEN_OFF = AuditEntry.Kind.INSTRUMENT_TAKEN_OFF


def models_of(role: str) -> Mapping[str, str]:
    """The model that each driver speaks to, by the drivers' names, of those that play `role`."""
    plays = BOARDS.get(role, role)
    return {key: spec.ratings.model for key, spec in DRIVERS.items() if spec.role == plays}


def register_instruments(
    *, station: Station, named: Sequence[Named], by: User, now: datetime
) -> list[Instrument]:
    """Put them on the station, all or none: new ones, and those of the shop that lie at none.

    What lies there as it is named already is left as it is; refused where that is all.
    The model is the one that the driver speaks to; a hand-held meter, which has none, brings its.
    """
    require(by.role, Act.DEFINE)
    asked = [one.stripped for one in named]
    refuse(problem for one in asked for problem in named_problems(one, models_of(one.role)))
    asked = [one.of_model(models_of(one.role).get(one.driver, one.model)) for one in asked]
    try:
        with transaction.atomic():
            _hold(station)
            if StationRetirement.objects.filter(station=station).exists():
                words = f"Station {station.slug} is retired."
                fix = "Put them at another station."
                raise Refusal([Problem("station_retired", words, fix)])
            ours = _ours(asked)
            known = {serial: _known(row) for serial, row in ours.items()}
            asked = left_to_place(station.slug, asked, known)
            there = {row.role: str(row) for row in station.instruments.all()}
            refuse(place_problems(station.slug, asked, there=there, known=known))
            placed = [_place(station, one, ours.get(one.serial_number)) for one in asked]
            for row in placed:
                kind = FITTED if row.serial_number in ours else REGISTERED
                audit.record(kind=kind, by=by, now=now, of=row)
    except IntegrityError as error:
        words = "Somebody registered one of these serial numbers at the same moment."
        raise Refusal([Problem("instrument_known", words, "Look where it lies now.")]) from error
    return placed


def take_off(*, instrument: Instrument, words: str, by: User, now: datetime) -> Instrument:
    """It lies at no station from now on; what it measured and its certificates stay."""
    require(by.role, Act.DEFINE)
    refuse(reason_problems(words, "An instrument is taken off with a reason."))
    station = instrument.station
    if station is None:
        said = f"The {instrument.role} {instrument.serial_number} lies at no station."
        raise Refusal([Problem("not_fitted", said, "Nothing is to be taken off.")])
    with transaction.atomic():
        _hold(station)
        if Instrument.objects.filter(pk=instrument.pk, station=station).update(station=None) != 1:
            raise StaleTransition(str(instrument), f"at {station.slug}")
        instrument.station = None
        data = {"from": station.slug, "words": words.strip()}
        audit.record(kind=TAKEN_OFF, by=by, now=now, data=data, of=instrument)
    return instrument


def _hold(station: Station) -> None:
    """One after the other changes a station, and nobody while a run lives there."""
    hold_station(station.pk)
    if alive_runs().filter(station=station).exists():
        words = f"Station {station.slug} is running a job."
        fix = "Change its instruments when it is over and the output is off."
        raise Refusal([Problem("station_busy", words, fix)])


def _ours(asked: Sequence[Named]) -> Mapping[str, Instrument]:
    """Those that the shop has already, by serial number."""
    serials = [one.serial_number for one in asked]
    rows = Instrument.objects.filter(serial_number__in=serials).order_by("pk")
    return {row.serial_number: row for row in rows.select_for_update()}


def _known(row: Instrument) -> Known:
    return Known(row.role, row.driver, row.model, row.station.slug if row.station else "")


def _place(station: Station, one: Named, ours: Instrument | None) -> Instrument:
    if ours is None:
        return Instrument.objects.create(
            station=station,
            role=one.role,
            driver=one.driver,
            model=one.model,
            serial_number=one.serial_number,
        )
    ours.station, ours.driver = station, one.driver
    ours.save(update_fields=["station", "driver"])
    return ours
