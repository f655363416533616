"""Stations and calibration (F1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.equipment.models import Instrument, Station
from shop.equipment.queries import calibrations_in_force, in_force
from shop.equipment.services import record_calibration, register_station
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON


def test_a_new_station_is_locked_until_its_guardian_is_heard(cast: Cast) -> None:
    station = register_station(slug="bench-1", name="Bench 1", host="pi-1", by=cast.sade, now=NOON)

    assert (station.lease.output_state, station.lease.token) == ("UNKNOWN", 0)
    with pytest.raises(Refusal, match="already"):
        register_station(slug="bench-1", name="Again", host="pi-2", by=cast.sade, now=NOON)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"slug": ""}, "slug"),
        ({"slug": "Bench 1"}, "slug"),
        ({"slug": "../bench"}, "slug"),
        ({"slug": "b" * 41}, "slug"),
        ({"name": "  "}, "name"),
        ({"name": "b" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"host": ""}, "host"),
    ],
)
def test_a_station_that_is_named_badly_is_refused_by_the_field(
    cast: Cast, changed: dict[str, str], code: str
) -> None:
    usual = {"slug": "bench-1", "name": "Bench 1", "host": "pi-1"}

    with pytest.raises(Refusal) as caught:
        register_station(**(usual | changed), by=cast.sade, now=NOON)

    assert [problem.about for problem in caught.value.problems] == [code]
    assert not Station.objects.exists()


def test_the_newest_certificate_that_covers_the_moment_is_in_force(cast: Cast) -> None:
    meter = _meter()
    assert meter.station is not None
    old = factories.calibrate(meter, days=10)
    new = factories.calibrate(meter, days=20)

    last = NOON + timedelta(days=20)
    assert calibrations_in_force(meter.station, NOON) == {meter.pk: new}
    assert calibrations_in_force(meter.station, last) == {meter.pk: new}
    assert calibrations_in_force(meter.station, last + timedelta(seconds=1)) == {}
    assert calibrations_in_force(meter.station, NOON - timedelta(days=31)) == {}
    assert old.valid_until < new.valid_until


def _meter() -> Instrument:
    return factories.make_station(calibrated=False).instruments.get(role="meter")


@pytest.mark.parametrize(
    ("certificate", "days", "words"),
    [
        ("K-1", 0, "before it begins"),
        ("K-1", 180 * 365, "Check the years"),
        (" ", 365, "number is missing"),
        ("K" * 101, 365, "101 characters, 100 is the most"),
    ],
)
def test_refuses_a_certificate_that_is_none(
    cast: Cast, certificate: str, days: int, words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        record_calibration(
            instrument=_meter(),
            valid_from=NOON,
            valid_until=NOON + timedelta(days=days),
            certificate=certificate,
            by=cast.sade,
            now=NOON,
        )


def test_a_certificate_that_has_ended_is_taken_in_for_what_was_measured_then(cast: Cast) -> None:
    meter, then = _meter(), NOON - timedelta(days=400)

    made = record_calibration(
        instrument=meter,
        valid_from=then,
        valid_until=then + timedelta(days=365),
        certificate="K-1",
        by=cast.sade,
        now=NOON,
    )

    assert in_force([meter], NOON) == {}
    assert in_force([meter], then + timedelta(days=1)) == {meter.pk: made}


def test_a_technician_registers_nothing(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        register_station(slug="bench-1", name="Bench 1", host="pi-1", by=cast.tola, now=NOON)

    assert not Station.objects.exists()
