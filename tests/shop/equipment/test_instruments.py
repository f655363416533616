"""Which instruments a station has: registered, taken off, put on another (F1, T4)."""

from __future__ import annotations

from functools import partial

import pytest

from shop.audit.models import AuditEntry
from shop.equipment.instruments import register_instruments, take_off
from shop.equipment.models import Instrument, Station
from shop.equipment.rules.registering import Named
from shop.jobs.planning import ratings_of
from shop.jobs.services.starts import start_run
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast, the_cast
from tests.factories import NOON
from tests.race import race
from tests.shop.turns import between

METER = Named("meter", "keysight_34461a", "MY1")
SUPPLY = Named("supply", "riden_rd6018", "00012345")
HAND_HELD = Named("manual", "", "87-1", "Fluke 87V")


def bare(slug: str = "bench-1") -> Station:
    return Station.objects.create(slug=slug, name=slug, host="localhost")


def register(station: Station, cast: Cast, *named: Named) -> list[Instrument]:
    return register_instruments(station=station, named=named, by=cast.sade, now=NOON)


def codes(caught: pytest.ExceptionInfo[Refusal]) -> list[str]:
    return [problem.code for problem in caught.value.problems]


def told() -> list[tuple[str, int, int | None]]:
    """Kind, instrument and station of every audit entry."""
    entries = AuditEntry.objects.filter(kind__startswith="INSTRUMENT").order_by("number")
    return [(e.kind, e.data["record"]["id"], e.data["record"]["station"]) for e in entries]


def test_a_bench_is_registered_whole_and_the_model_is_the_drivers(cast: Cast) -> None:
    station = bare()

    rows = register(station, cast, SUPPLY, METER, HAND_HELD)

    assert [row.model for row in rows] == ["RD6018", "34461A", "Fluke 87V"]
    assert ratings_of(station).supply.model == "RD6018"
    assert told() == [("INSTRUMENT_REGISTERED", row.pk, station.pk) for row in rows]


def test_what_cannot_be_registered_keeps_the_others_out_too(cast: Cast) -> None:
    with pytest.raises(Refusal, match="no load driver"):
        register(bare(), cast, METER, Named("load", "riden_rd6018", "9"))

    assert not Instrument.objects.exists()


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (Named("charger", "x", "9"), "No role 'charger'"),
        (Named("meter", "fluke", "9"), "Choose one of keysight_34461a, keysight_34461a_100v"),
        (Named("meter", "riden_rd6018", "9"), "There is no meter driver 'riden_rd6018'"),
        (Named("supply", "isdt_p30", "9"), "A multi-cell charger is no supply for a top balance"),
        (Named("supply", "riden_rd6018", "9", "RD6012"), "for a RD6018, not 'RD6012'"),
        (Named("meter", "keysight_34461a", " "), "The serial number is missing"),
        (Named("meter", "keysight_34461a", "9" * 61), "61 characters, 60 is the most"),
        (Named("meter", "keysight_34461a", "a\x00b"), "signs that cannot be shown"),
        (Named("manual", "", "9"), "Its model is missing"),
        (Named("manual", "keysight_34461a", "9", "F"), "has no driver"),
    ],
)
def test_bad_names_are_refused_in_words(cast: Cast, named: Named, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        register(bare(), cast, named)

    assert words in str(caught.value)
    assert all(problem.fix and problem.about for problem in caught.value.problems)


def test_a_serial_number_and_a_role_are_taken_once(cast: Cast) -> None:
    first, second = bare("bench-1"), bare("bench-2")
    register(first, cast, METER)

    with pytest.raises(Refusal, match="MY1 is the meter of bench-1 already") as caught:
        register(second, cast, METER)
    assert "take it off bench-1 first" in str(caught.value)
    with pytest.raises(Refusal, match="bench-1 has a meter already: 34461A MY1"):
        register(first, cast, Named("meter", "keysight_34461a", "MY2"))
    with pytest.raises(Refusal) as caught:
        register(second, cast, SUPPLY, SUPPLY)
    assert codes(caught) == ["named_twice", "named_twice"]


def test_of_a_bench_that_grew_only_what_is_new_is_registered(cast: Cast) -> None:
    """It is identified whole again; what lies there is as it was, and nothing new is said so."""
    station = bare()
    (meter,) = register(station, cast, METER)

    placed = register(station, cast, METER, SUPPLY)

    assert [one.serial_number for one in placed] == [SUPPLY.serial_number]
    assert set(station.instruments.all()) == {meter, *placed}
    with pytest.raises(Refusal) as caught:
        register(station, cast, METER)
    (problem,) = caught.value.problems
    assert problem.code == "instrument_known"
    assert problem.words == "The meter 34461A MY1 lies at bench-1 already."
    assert problem.fix == "Nothing is to be done for it."


def test_another_driver_for_what_lies_here_says_how_it_is_changed(cast: Cast) -> None:
    station = bare()
    register(station, cast, METER)
    by_another = Named("meter", "keysight_34461a_100v", "MY1")

    with pytest.raises(Refusal, match="already, with the driver keysight_34461a") as caught:
        register(station, cast, by_another)

    assert "Take it off, then register it with keysight_34461a_100v." in str(caught.value)


def test_a_meter_that_is_taken_off_makes_room_and_comes_back_as_itself(cast: Cast) -> None:
    station = bare()
    (meter,) = register(station, cast, METER)
    factories.calibrate(meter)

    take_off(instrument=meter, words="Goes to be calibrated.", by=cast.sade, now=NOON)
    (other,) = register(station, cast, Named("meter", "keysight_34461a", "MY2"))
    take_off(instrument=other, words="The loan is over.", by=cast.sade, now=NOON)
    (back,) = register(station, cast, METER)

    assert (back.pk, back.calibrations.count()) == (meter.pk, 1)
    assert told() == [
        ("INSTRUMENT_REGISTERED", meter.pk, station.pk),
        ("INSTRUMENT_TAKEN_OFF", meter.pk, None),
        ("INSTRUMENT_REGISTERED", other.pk, station.pk),
        ("INSTRUMENT_TAKEN_OFF", other.pk, None),
        ("INSTRUMENT_FITTED", meter.pk, station.pk),
    ]
    with pytest.raises(Refusal, match="lies at no station"):
        take_off(instrument=other, words="Again.", by=cast.sade, now=NOON)


def test_it_comes_back_in_no_other_role(cast: Cast) -> None:
    """Evidence reads from the role whether cells were read by hand."""
    station = bare()
    (meter,) = register(station, cast, METER)
    take_off(instrument=meter, words="Replaced.", by=cast.sade, now=NOON)

    with pytest.raises(Refusal, match="MY1 is known as the meter 34461A"):
        register(station, cast, Named("manual", "", "MY1", "34461A"))


def test_nothing_changes_while_a_run_lives_at_the_station(cast: Cast) -> None:
    station = factories.make_station()
    factories.make_run(by=cast.tola, station=station)
    scanner = station.instruments.get(role="scanner")

    with pytest.raises(Refusal, match="is running a job"):
        take_off(instrument=scanner, words="Away.", by=cast.sade, now=NOON)
    with pytest.raises(Refusal, match="is running a job"):
        register(station, cast, Named("thermometer", "eletechsup_r4dcb08", "007"))

    assert station.instruments.count() == 3


@pytest.mark.parametrize("words", ["", "   ", "x" * 501])
def test_taking_off_says_why(cast: Cast, words: str) -> None:
    (meter,) = register(bare(), cast, METER)

    with pytest.raises(Refusal) as caught:
        take_off(instrument=meter, words=words, by=cast.sade, now=NOON)

    (problem,) = caught.value.problems
    assert (problem.code, problem.about) == ("reason", "words")
    assert Instrument.objects.get().station is not None


def test_a_technician_neither_registers_nor_takes_off(cast: Cast) -> None:
    station = bare()
    (meter,) = register(station, cast, METER)

    with pytest.raises(RoleRefusal):
        register_instruments(station=station, named=[SUPPLY], by=cast.tola, now=NOON)
    with pytest.raises(RoleRefusal):
        take_off(instrument=meter, words="Away.", by=cast.tola, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_puts_a_spare_on_a_station() -> None:
    cast = the_cast()
    first, second = bare("bench-1"), bare("bench-2")
    (meter,) = register(first, cast, METER)
    take_off(instrument=meter, words="Spare.", by=cast.sade, now=NOON)

    def placed(station: Station, number: int) -> list[str]:
        try:
            register(station, cast, METER)
        except Refusal as refusal:
            return [problem.code for problem in refusal.problems]
        return []

    (outcome,) = race([partial(placed, first), partial(placed, second)])

    assert sorted(outcome) == [[], ["instrument_known"]]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_taken_off_beneath_a_run_that_is_just_being_started() -> None:
    cast = the_cast()
    factories.make_policy(by=cast.sade)
    station = factories.make_station()
    job = factories.make_job(by=cast.tola, claimed_at=station)
    scanner = station.instruments.get(role="scanner")

    def taken_off() -> list[str]:
        try:
            take_off(instrument=scanner, words="Away.", by=cast.sade, now=NOON)
        except Refusal as refusal:
            return [problem.code for problem in refusal.problems]
        return []

    outcome = between(lambda: start_run(job=job, by=cast.tola, now=NOON), taken_off)

    assert (outcome, station.instruments.count()) == (["station_busy"], 3)
