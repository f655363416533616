"""Stations, instruments and calibration (F1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.equipment.models import Instrument, Station
from shop.equipment.queries import calibrations_in_force
from shop.equipment.services import record_calibration, register_instrument, register_station
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON


def register_meter(station: Station, cast: Cast, serial_number: str = "MY1") -> Instrument:
    return register_instrument(
        station=station,
        role="meter",
        driver="keysight_34461a",
        model="34461A",
        serial_number=serial_number,
        by=cast.sade,
    )


def test_a_new_station_is_locked_until_its_guardian_is_heard(cast: Cast) -> None:
    station = register_station(slug="bench-1", name="Bench 1", host="pi-1", by=cast.sade)

    assert (station.lease.output_state, station.lease.token) == ("UNKNOWN", 0)
    with pytest.raises(Refusal, match="already"):
        register_station(slug="bench-1", name="Again", host="pi-2", by=cast.sade)


def test_an_instrument_belongs_to_one_station_and_one_role(cast: Cast) -> None:
    first = register_station(slug="bench-1", name="1", host="a", by=cast.sade)
    second = register_station(slug="bench-2", name="2", host="a", by=cast.sade)
    register_meter(first, cast)

    with pytest.raises(Refusal, match="exactly one station"):
        register_meter(second, cast)
    with pytest.raises(Refusal, match="exactly one station"):
        register_meter(first, cast, "MY2")
    with pytest.raises(Refusal, match="No role 'charger'"):
        register_instrument(
            station=second, role="charger", driver="x", model="x", serial_number="9", by=cast.sade
        )


def test_the_newest_certificate_that_covers_the_moment_is_in_force(cast: Cast) -> None:
    meter = _meter()
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


def test_refuses_a_certificate_that_ends_before_it_begins(cast: Cast) -> None:
    with pytest.raises(Refusal, match="before it begins"):
        record_calibration(
            instrument=_meter(),
            valid_from=NOON,
            valid_until=NOON,
            certificate="K-1",
            by=cast.sade,
            now=NOON,
        )


def test_a_technician_registers_nothing(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        register_station(slug="bench-1", name="Bench 1", host="pi-1", by=cast.tola)

    assert not Station.objects.exists()
