"""Why a station, an instrument or a certificate cannot be registered as named (F1).  Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shop.equipment.states import UNWIRED, InstrumentRole
from shop.refusals import Problem

SLUG = re.compile(r"(?!new$)[a-z0-9][a-z0-9_-]{0,39}")  # /stations/new is a page's own
SPAN_MAX = timedelta(days=3660)  # a longer one is a year that was mistyped
YEAR_MIN = 2000  # a browser takes 26 for the year 26
# F1: what charges a pack by itself balances nothing, and nobody can set its volts and amps.
CHARGER = (
    " A multi-cell charger is no supply for a top balance: it decides by itself what it gives."
)


@dataclass(frozen=True, slots=True)
class Named:
    """An instrument as it is named by a person or by its bench; `model` only where no driver is."""

    role: str
    driver: str
    serial_number: str
    model: str = ""

    @property
    def stripped(self) -> Named:
        return Named(*(t.strip() for t in (self.role, self.driver, self.serial_number, self.model)))

    def of_model(self, model: str) -> Named:
        return replace(self, model=model)


@dataclass(frozen=True, slots=True)
class Known:
    """An instrument that the shop has; `station` is "" where it lies at none."""

    role: str
    driver: str
    model: str
    station: str


def station_problems(slug: str, name: str, host: str) -> list[Problem]:
    found = text_problems(name, 100, what="The name", about="name")
    found += text_problems(host, 100, what="The host", about="host")
    if not SLUG.fullmatch(slug):
        words = f"{slug[:60]!r} cannot be a station's short name."
        fix = "Small letters, digits and hyphens, 40 at most, as “bench-1”: bench.toml has it too."
        found.append(Problem("slug", words, fix, about="slug"))
    return found


def named_problems(one: Named, models: Mapping[str, str]) -> list[Problem]:
    """`models` are what the drivers of its role speak to, by the drivers' names."""
    if one.role not in list(InstrumentRole):
        words = f"No role {one.role[:40]!r} for an instrument."
        return [Problem("unknown_role", words, f"Known: {', '.join(InstrumentRole)}.", "role")]
    found = text_problems(one.serial_number, 60, what="The serial number", about="serial_number")
    if one.role in UNWIRED:
        found += text_problems(one.model, 60, what="Its model", about="model")
        if one.driver:
            words = f"A {one.role} instrument hangs on no wire and has no driver."
            found.append(Problem("unknown_driver", words, "Leave the driver out.", "driver"))
    elif one.driver not in models:
        charger = CHARGER if one.role == InstrumentRole.SUPPLY else ""
        words = f"There is no {one.role} driver {one.driver[:60]!r}.{charger}"
        fix = f"Choose one of {', '.join(sorted(models))}."
        found.append(Problem("unknown_driver", words, fix, "driver"))
    elif one.model not in ("", models[one.driver]):
        words = f"The driver {one.driver} is for a {models[one.driver]}, not {one.model[:60]!r}."
        fix = "Choose the driver of that model, here and in bench.toml."
        found.append(Problem("other_model", words, fix, "driver"))
    return found


def place_problems(
    station: str, asked: Sequence[Named], *, there: Mapping[str, str], known: Mapping[str, Known]
) -> list[Problem]:
    """`there` is what has each role at the station, `known` what the shop has by serial number."""
    lying = [one for one in asked if _lies(station, one, known)]
    rest = [one for one in asked if one not in lying]
    found = [_there_already(station, one, known[one.serial_number]) for one in lying]
    found += [problem for one in rest for problem in _placing(station, one, there, known)]
    return found + [
        Problem("named_twice", f"{what} is named twice.", "Name each instrument and role once.")
        for names in ([one.role for one in asked], [one.serial_number for one in asked])
        for what, times in Counter(names).items()
        if times > 1
    ]


def _lies(station: str, one: Named, known: Mapping[str, Known]) -> bool:
    """Whether it is at the station as what it is named."""
    ours = known.get(one.serial_number)
    named = (station, one.role, one.model)
    return ours is not None and (ours.station, ours.role, ours.model) == named


def left_to_place(station: str, asked: list[Named], known: Mapping[str, Known]) -> list[Named]:
    """Without what lies at the station as it is named, for a bench that grew is identified whole;
    all of them where nothing else is left to do.
    """
    left = [
        one
        for one in asked
        if not _lies(station, one, known) or known[one.serial_number].driver != one.driver
    ]
    return left or asked


def _there_already(station: str, one: Named, ours: Known) -> Problem:
    words = f"The {one.role} {one.model} {one.serial_number} lies at {station} already"
    if ours.driver != one.driver:
        words += f", with the driver {ours.driver}"
        fix = f"Take it off, then register it with {one.driver}."
    else:
        fix = "Nothing is to be done for it."
    return Problem("instrument_known", f"{words}.", fix, "serial_number")


def _placing(
    station: str, one: Named, there: Mapping[str, str], known: Mapping[str, Known]
) -> Iterator[Problem]:
    ours = known.get(one.serial_number)
    if ours is not None and ours.station:
        words = f"{one.serial_number} is the {ours.role} of {ours.station} already."
        fix = (
            "Check role and serial number."
            if ours.station == station
            else f"Check the serial number, or take it off {ours.station} first."
        )
        yield Problem("instrument_known", words, fix, "serial_number")
    elif ours is not None and (ours.role, ours.model) != (one.role, one.model):
        words = f"{one.serial_number} is known as the {ours.role} {ours.model}."
        fix = "Register it as that: what it measured was recorded under it."
        yield Problem("instrument_known", words, fix, "serial_number")
    if one.role in there and not (ours is not None and ours.station == station):
        words = f"Station {station} has a {one.role} already: {there[one.role]}."
        fix = "A station has one of each: take that one off first."
        yield Problem("role_taken", words, fix, "role")


def certificate_problems(
    certificate: str, valid_from: datetime, valid_until: datetime
) -> list[Problem]:
    found = text_problems(certificate, 100, what="The certificate’s number", about="certificate")
    if valid_from.year < YEAR_MIN:
        words = f"The certificate would be valid from {valid_from.date()}."
        fix = "Check the years: type all four digits."
        found.append(Problem("calibration_span", words, fix, about="valid_from"))
    elif not valid_from < valid_until:
        words = f"The certificate would end ({valid_until.date()}) before it begins."
        found.append(Problem("calibration_span", words, "Check the two dates.", "valid_until"))
    elif valid_until - valid_from > SPAN_MAX:
        words = f"The certificate would be valid for {(valid_until - valid_from).days} days."
        fix = f"Check the years: {SPAN_MAX.days} days are the most."
        found.append(Problem("calibration_span", words, fix, "valid_until"))
    return found


def text_problems(text: str, most: int, *, what: str, about: str) -> list[Problem]:
    """Of one line that must say something; `text` is stripped."""
    if not text:
        return [Problem(about, f"{what} is missing.", "Type it.", about)]
    if len(text) > most:
        words = f"{what} has {len(text)} characters, {most} is the most."
        return [Problem(about, words, "Shorten it.", about)]
    if not text.isprintable():
        words = f"{what} holds signs that cannot be shown."
        return [Problem(about, words, "Type it by hand, in one line.", about)]
    return []
