"""Stations, instruments and certificates by REST, as a page or a bench names them (F1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shop import clock
from shop.audit.models import AuditEntry
from shop.equipment.models import Instrument, Station
from tests import factories
from tests.api.clients import Api, codes
from tests.cast import Cast

NEW = {"slug": "bench-1", "name": "Bench 1"}
SUPPLY = {"role": "supply", "driver": "riden_rd6018", "serial_number": "00012345"}
METER = {"role": "meter", "driver": "keysight_34461a", "serial_number": "MY1"}
YEAR = {"valid_from": "2026-01-01T00:00Z", "valid_until": "2027-01-01T00:00Z"}


def test_a_bench_is_set_up_over_rest(cast: Cast, sade: Api, tola: Api) -> None:
    made = sade.post("stations", **NEW)
    assert (made.status_code, made.json()["output"]) == (201, "UNKNOWN")
    before = tola.get("stations/bench-1/instruments").json()
    (lacks,) = before["lacks"]
    assert lacks["code"] == "station_cannot"
    assert lacks["words"] == "Station bench-1 has no supply and no meter."

    put = sade.post("stations/bench-1/instruments", instruments=[SUPPLY, METER])

    assert put.status_code == 201
    assert [row["model"] for row in put.json()["instruments"]] == ["RD6018", "34461A"]
    after = tola.get("stations/bench-1/instruments").json()
    assert (after["instruments"], after["lacks"]) == (put.json()["instruments"], [])
    lacking = {one["procedure"]: one["lacks"] for one in after["procedures"]}
    assert lacking["recheck"] == []  # its meter is led from cell to cell
    assert lacking["self_discharge"][0]["words"] == "Station bench-1 has no scanner."
    kinds = set(AuditEntry.objects.values_list("kind", flat=True))
    assert kinds >= {"STATION_REGISTERED", "INSTRUMENT_REGISTERED"}


def test_what_a_bench_says_of_itself_is_taken_in_as_it_is(cast: Cast, sade: Api) -> None:
    """The shape of `python -m stations identify --json`, and of a report's instruments."""
    sade.post("stations", **NEW)
    said = [SUPPLY | {"model": "RD6018", "firmware": "1.28"}, METER | {"model": "34461A"}]
    other = [SUPPLY | {"model": "RD6012"}]

    refused = sade.post("stations/bench-1/instruments", instruments=other)
    taken = sade.post("stations/bench-1/instruments", instruments=said)

    assert (refused.status_code, codes(refused)) == (409, ["other_model"])
    assert refused.json()["problems"][0]["about"] == "driver"
    assert taken.status_code == 201


def test_a_certificate_is_recorded_and_said(cast: Cast, sade: Api) -> None:
    meter = factories.make_station(calibrated=False).instruments.get(role="meter")
    now = clock.now()
    span = {"valid_from": now.isoformat(), "valid_until": (now + timedelta(days=99)).isoformat()}

    made = sade.post(f"instruments/{meter.pk}/calibrations", certificate="K-1", **span)

    assert (made.status_code, made.json()["certificate"]) == (201, "K-1")
    (row,) = [
        row for row in sade.get("instruments").json()["instruments"] if row["role"] == "meter"
    ]
    assert (row["calibration"]["kind"], row["calibrations"]) == ("pass", [made.json()])
    assert row["calibrated_until"] == made.json()["valid_until"]


def test_it_is_taken_off_and_put_on_another_station(cast: Cast, sade: Api) -> None:
    first, second = factories.make_station(), Station.objects.create(slug="b-2", name="2")
    meter = first.instruments.get(role="meter")

    off = sade.post(f"instruments/{meter.pk}/take-off", words="To bench 2.")
    named = {name: off.json()[name] for name in ("role", "driver", "serial_number")}
    sade.post(f"stations/{second.slug}/instruments", instruments=[named])

    assert (off.status_code, off.json()["station"]) == (200, None)
    meter.refresh_from_db()
    assert meter.station == second


def test_a_key_that_is_sent_again_registers_once(cast: Cast, sade: Api) -> None:
    sade.post("stations", **NEW)

    answers = [
        sade.once("k-1", "stations/bench-1/instruments", instruments=[METER]) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Instrument.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({}, 400, "malformed"),
        ({"instruments": []}, 400, "malformed"),
        ({"instruments": "MY1"}, 400, "malformed"),
        ({"instruments": [METER] * 17}, 400, "malformed"),
        ({"instruments": [METER | {"serial_number": "x" * 5000}]}, 400, "malformed"),
        ({"instruments": [METER | {"serial_number": "a\x00b"}]}, 400, "malformed"),
        ({"instruments": [METER | {"serial_number": ["MY1"]}]}, 400, "malformed"),
        ({"instruments": [METER | {"role": "charger"}]}, 409, "unknown_role"),
        ({"instruments": [METER | {"driver": "fluke"}]}, 409, "unknown_driver"),
        ({"instruments": [METER]}, 409, "role_taken"),
    ],
)
def test_what_cannot_be_registered_is_refused_in_one_shape(
    cast: Cast, sade: Api, sent: dict[str, Any], status: int, code: str
) -> None:
    station = factories.make_station()

    answer = sade.post(f"stations/{station.slug}/instruments", **sent)

    assert (answer.status_code, set(codes(answer))) == (status, {code})
    assert station.instruments.count() == 3


def test_a_technician_reads_everything_and_registers_nothing(cast: Cast, tola: Api) -> None:
    station = factories.make_station()
    meter = station.instruments.get(role="meter")
    acts: list[tuple[str, dict[str, Any]]] = [
        ("stations", NEW),
        (f"stations/{station.slug}/instruments", {"instruments": [SUPPLY]}),
        (f"instruments/{meter.pk}/calibrations", YEAR | {"certificate": "K"}),
        (f"instruments/{meter.pk}/take-off", {"words": "Away."}),
    ]

    answers = [tola.post(path, **sent) for path, sent in acts]

    assert [(a.status_code, codes(a)) for a in answers] == [(403, ["role"])] * 4
    for path in ("drivers", "instruments", f"stations/{station.slug}/instruments"):
        assert tola.get(path).status_code == 200
    drivers = tola.get("drivers").json()["drivers"]
    assert {one["role"] for one in drivers if one["driver"] == "waveshare_relay8"} == {
        "relay",
        "router",
    }


def test_what_is_not_there_is_unknown(cast: Cast, sade: Api) -> None:
    for path, sent in (
        ("stations/none/instruments", {"instruments": [METER]}),
        ("instruments/99/calibrations", YEAR | {"certificate": "K"}),
        ("instruments/99/take-off", {"words": "Away."}),
    ):
        assert codes(sade.post(path, **sent)) == ["unknown"]
