"""`stations`: what each does, in as many queries for many as for one."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from shop import clock
from shop.jobs.states import RunState
from tests import factories
from tests.api.clients import Api, codes
from tests.cast import Cast
from tests.shop.equipment.reports import document_of


def test_says_what_runs_and_whether_a_station_is_heard(cast: Cast, tola: Api) -> None:
    now = clock.now()
    heard = factories.make_station(slug="heard", now=now)
    factories.make_station(slug="silent", now=now - timedelta(minutes=5))
    run = factories.make_run(by=cast.tola, station=heard, state=RunState.RUNNING, token=1)

    first, second = tola.get("stations").json()["stations"]

    assert (first["slug"], first["online"], first["output"]) == ("heard", True, "OFF")
    assert first["run"] == {"id": run.pk, "state": "RUNNING", "step": ""}
    assert (second["online"], second["run"]) == (False, None)


@pytest.mark.parametrize("number", [1, 6])
def test_takes_the_same_queries_for_any_number_of_stations(
    cast: Cast, tola: Api, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(number):
        factories.make_run(by=cast.tola, state=RunState.RUNNING, token=1)

    # session, user, stations, runs, acts, instruments, commissionings, policy
    with django_assert_num_queries(8):
        tola.get("stations")


def test_takes_a_commissioning_in_and_shows_it(cast: Cast, tola: Api) -> None:
    station = factories.make_station()
    report = json.loads(document_of(station, at=clock.now()))

    before = tola.get("stations").json()["stations"][0]["commissioned"]
    sent = tola.post(f"stations/{station.slug}/commissionings", report=report)
    after = tola.get("stations").json()["stations"][0]["commissioned"]
    kept = tola.get(f"stations/{station.slug}/commissionings").json()["commissionings"]

    assert (sent.status_code, sent.json()) == (201, kept[0])
    assert (kept[0]["by"], kept[0]["report"]) == ("tola", report)
    assert (before["measured_at"], before["lead_milliohm"]) == (None, None)
    assert [problem["code"] for problem in before["unattended"]] == ["not_commissioned"]
    assert after["lead_milliohm"] == pytest.approx(5.0)
    assert (after["passed"], after["unattended"], after["drawing"]) == (True, [], [])
    meter = station.instruments.get(role="meter").calibrations.get()
    assert {one["role"]: one["certificate"] for one in kept[0]["certificates"]}[
        "meter"
    ] == meter.certificate


def test_says_that_a_load_was_not_tried(cast: Cast, tola: Api) -> None:
    station = factories.make_station(load=True)
    report = json.loads(document_of(station, at=clock.now()))
    tola.post(f"stations/{station.slug}/commissionings", report=report)

    told = tola.get("stations").json()["stations"][0]["commissioned"]

    assert told["unattended"] == []
    assert [problem["code"] for problem in told["drawing"]] == ["load_not_commissioned"]


def test_refuses_a_report_that_was_edited(cast: Cast, tola: Api) -> None:
    station = factories.make_station()
    report = json.loads(document_of(station)) | {"ended": "", "passed": False}

    edited = tola.post(f"stations/{station.slug}/commissionings", report=report)
    nothing = tola.post(f"stations/{station.slug}/commissionings")
    huge = tola.post(f"stations/{station.slug}/commissionings", report=2**80)
    unknown = tola.post("stations/bench-0/commissionings", report=report)

    assert (edited.status_code, codes(edited)) == (409, ["report"])
    assert (nothing.status_code, codes(nothing)) == (400, ["malformed"])
    assert (huge.status_code, codes(huge)) == (400, ["malformed"])
    assert (unknown.status_code, codes(unknown)) == (404, ["unknown"])
