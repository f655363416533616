"""What lies at a station, whether it may be trusted, and what can be done with it (F1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, QuerySet

from api import words
from shop.equipment.instruments import models_of
from shop.equipment.models import Calibration, Instrument, Station
from shop.equipment.queries import in_force
from shop.equipment.states import UNCALIBRATED, UNWIRED, InstrumentRole
from shop.jobs.planning import ratings_of
from shop.jobs.procedures import PROCEDURES
from shop.jobs.rules.ordering import claim_problems
from shop.jobs.states import JobState
from shop.refusals import Problem, Refusal
from stations.drivers.rated import ratings_words
from stations.drivers.registry import DRIVERS
from stations.values import SupplyRatings

ENDS_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether what an instrument measures counts: a badge, and the sentence beside it."""

    kind: str  # "pass", "warning", "fail", or "idle" where nobody calibrates it
    word: str
    words: str


@dataclass(frozen=True, slots=True)
class InstrumentShown:
    """One instrument; `can` is what its driver says."""

    instrument: Instrument
    in_force: Calibration | None
    standing: Standing
    can: str


@dataclass(frozen=True, slots=True)
class Doing:
    """A procedure, and what the station lacks for it."""

    kind: str
    lacks: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One model that can be registered in a role; `driver` is "" for a hand-held meter."""

    role: str
    driver: str
    model: str
    can: str


def instruments() -> QuerySet[Instrument]:
    """Every instrument with its certificates, the newest first; what lies at no station last."""
    certificates = Calibration.objects.select_related("withdrawal").order_by("-valid_until", "-pk")
    return (
        Instrument.objects.select_related("station")
        .prefetch_related(Prefetch("calibrations", certificates))
        .order_by("station__slug", "role", "pk")
    )


def shown(rows: Iterable[Instrument], *, now: datetime) -> list[InstrumentShown]:
    """`rows` as `instruments` gives them; in the order in which a bench is built."""
    listed = sorted(rows, key=lambda row: list(InstrumentRole).index(InstrumentRole(row.role)))
    valid = in_force(listed, now)
    return [
        InstrumentShown(
            row, valid.get(row.pk), _standing(row, valid.get(row.pk), now), can_words(row.driver)
        )
        for row in listed
    ]


def doing(station: Station) -> list[Doing]:
    """Every procedure with what the station lacks, those that it can do first.

    `instruments` of the station should be prefetched.  The plan of a job says the rest: volts,
    amps and cells.
    """
    roles = [instrument.role for instrument in station.instruments.all()]
    found = []
    for kind, procedure in PROCEDURES.items():
        problems = claim_problems(
            state=JobState.OPEN,
            station=station.slug,
            roles=roles,
            instruments_needed=procedure.needs_at(roles),
            one_of=procedure.needs_one_of,
        )
        found.append(Doing(kind, tuple(problems)))
    return sorted(found, key=lambda one: bool(one.lacks))


def station_problems(station: Station) -> list[Problem]:
    """What no procedure can do without, and the supply that none may charge with."""
    try:
        supply = ratings_of(station).supply
    except Refusal as refusal:
        return refusal.problems
    if supply.has_protection:
        return []
    words = f"{supply.model} has no OVP and OCP levels of its own: no charge is planned with it."
    return [Problem("no_protection", words, "Put another supply on the station.")]


def kinds(without: Iterable[str] = ()) -> Mapping[str, list[Kind]]:
    """What can be registered in each role, `without` those that are taken."""
    roles = [role for role in InstrumentRole if role not in UNWIRED and role not in set(without)]
    return {
        role.value: [
            Kind(role.value, key, model, can_words(key)) for key, model in models_of(role).items()
        ]
        for role in roles
    }


def can_words(driver: str) -> str:
    """What the driver says; "" for a hand-held meter, or a driver that is not known here."""
    if driver not in DRIVERS:
        return ""
    its = DRIVERS[driver].ratings
    alone = isinstance(its, SupplyRatings) and not its.has_watchdog
    return ratings_words(driver) + ("; no watchdog of its own" if alone else "")


def _standing(row: Instrument, valid: Calibration | None, now: datetime) -> Standing:
    if row.role in UNCALIBRATED:
        return Standing("idle", "No certificate needed", "")
    if valid is not None:
        left, until = valid.valid_until - now, f"Calibrated until {_day(valid.valid_until)}"
        if left >= ENDS_SOON:
            return Standing("pass", "In calibration", f"{until}.")
        return Standing("warning", "Ends soon", f"{until}, {words.duration(left)} more.")
    rows = list(row.calibrations.all())
    standing = [one for one in rows if getattr(one, "withdrawal", None) is None]
    if not rows:
        return Standing("fail", "No certificate", "Record one before a run is started.")
    if not standing:
        return Standing("fail", "Withdrawn", "Its certificate was withdrawn: record a new one.")
    if coming := [one.valid_from for one in standing if one.valid_from > now]:
        return Standing("fail", "Not valid yet", f"Calibrated from {_day(min(coming))}.")
    ended = max(one.valid_until for one in standing)
    return Standing("fail", "Lapsed", f"Its calibration ended on {_day(ended)}: record a new one.")


def _day(at: datetime) -> str:
    return at.strftime("%-d %b %Y")
