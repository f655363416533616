"""From a bench with a person beside it to the station in the shop (F1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shop import clock
from shop.equipment.instruments import register_instruments
from shop.equipment.queries import commissioned, newest_commissionings
from shop.equipment.rules.registering import Named
from shop.equipment.services import record_commissioning, register_station
from tests.cast import Cast
from tests.stations.commissioning.bench import linked, stations


@pytest.mark.parametrize(
    ("more", "typed", "loads"),
    [
        ((), "yes\n1.80\n", {}),
        (("itech_it8514c",), "yes\n800\n1.80\n12.00\n", {"load": "8000123456"}),
    ],
)
def test_the_file_that_a_check_wrote_is_taken_in_as_it_is(
    tmp_path: Path, cast: Cast, more: tuple[str, ...], typed: str, loads: dict[str, str]
) -> None:
    now = clock.now()
    station = register_station(slug="bench-1", name="Bench 1", host="pi-1", by=cast.sade, now=now)
    with linked(tmp_path, more=more) as bench:
        identified = json.loads(stations("identify", bench, "", "--json").stdout)["instruments"]
        named = [Named(**said) for said in identified]
        register_instruments(station=station, named=named, by=cast.sade, now=now)
        told = stations("check", bench, typed)
        assert told.returncode == 0, told.stdout + told.stderr

    document = (tmp_path / "commissioning.json").read_bytes()
    made = record_commissioning(station=station, document=document, by=cast.tola, now=clock.now())

    assert made.document == document.decode().strip()
    seen = commissioned(newest_commissionings([station])[station.pk])
    assert seen is not None
    assert (seen.passed, seen.instruments) == (
        True,
        {"supply": "00012345", "meter": "MY53200001"} | loads,
    )
    assert seen.tried_load is bool(loads)
