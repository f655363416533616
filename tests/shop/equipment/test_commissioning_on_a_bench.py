"""From a bench with a person beside it to the station in the shop (F1)."""

from __future__ import annotations

from pathlib import Path

from shop import clock
from shop.equipment.models import Instrument
from shop.equipment.queries import commissioned, newest_commissionings
from shop.equipment.services import record_commissioning, register_station
from tests.cast import Cast
from tests.stations.commissioning.bench import linked, stations


def test_the_file_that_a_check_wrote_is_taken_in_as_it_is(tmp_path: Path, cast: Cast) -> None:
    station = register_station(slug="bench-1", name="Bench 1", host="pi-1", by=cast.sade)
    for role, driver, model, serial_number in (
        ("supply", "riden_rd6018", "RD6018", "00012345"),
        ("meter", "keysight_34461a", "34461A", "MY53200001"),
    ):
        Instrument.objects.create(
            station=station, role=role, driver=driver, model=model, serial_number=serial_number
        )
    with linked(tmp_path) as bench:
        told = stations("check", bench, "yes\n1.80\n")
        assert told.returncode == 0, told.stdout + told.stderr

    document = (tmp_path / "commissioning.json").read_bytes()
    made = record_commissioning(station=station, document=document, by=cast.tola, now=clock.now())

    assert made.document == document.decode().strip()
    seen = commissioned(newest_commissionings([station])[station.pk])
    assert seen is not None
    assert (seen.passed, seen.instruments) == (
        True,
        {"supply": "00012345", "meter": "MY53200001"},
    )
