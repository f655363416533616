"""The board and the doors: who gets in, what stands first, empty states."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import URLPattern
from pytest_django import DjangoAssertNumQueries

from api.pages.urls import urlpatterns
from shop import clock
from shop.equipment.services import record_commissioning
from shop.jobs.states import RunState
from tests import factories
from tests.api.clients import text
from tests.cast import PASSWORD, Cast
from tests.shop.equipment.reports import document_of

PUBLIC = {"login", "logout", "trace"}
SHUT = [pattern for pattern in urlpatterns if pattern.name not in PUBLIC]


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", SHUT, ids=lambda pattern: pattern.name)
def test_a_stranger_is_led_to_the_log_in(client: Client, pattern: URLPattern) -> None:
    path = "/" + re.sub(r"<\w+:\w+>", "1", str(pattern.pattern))

    answers = [client.get(path), client.post(path)]

    assert any(answer.status_code == 302 for answer in answers)
    assert all(answer.status_code in (302, 405) for answer in answers)
    led_to = [answer["Location"] for answer in answers if answer.status_code == 302]
    assert all(place.startswith("/login?next=") for place in led_to)


def test_logs_in_and_out(cast: Cast, client: Client) -> None:
    entered = client.post("/login", {"username": "tola", "password": PASSWORD})
    left = client.post("/logout")

    assert (entered.status_code, entered["Location"]) == (302, "/")
    assert (left.status_code, left["Location"]) == (302, "/login")


def test_a_wrong_password_is_refused_in_words(cast: Cast, client: Client) -> None:
    answer = client.post("/login", {"username": "tola", "password": "wrong"})

    assert "do not match" in text(answer)


def test_an_empty_board_says_what_would_be_there(technician: Client) -> None:
    page = text(technician.get("/"))

    assert "No station yet" in page
    assert "No job is open" in page


def test_shows_stations_and_jobs(cast: Cast, technician: Client) -> None:
    station = factories.make_station(now=clock.now())
    factories.make_run(by=cast.bayo, station=station, state=RunState.RUNNING, token=1)
    factories.make_job(by=cast.tola)

    page = text(technician.get("/"))

    assert "Running" in page
    assert "Open since" in page
    assert "Bayo" in page


def test_shows_how_a_station_was_commissioned(cast: Cast, technician: Client) -> None:
    """B6, F1: when, and the milliohms of its leads."""
    station = factories.make_station()
    before = text(technician.get("/"))

    document = document_of(station)
    record_commissioning(station=station, document=document, by=cast.tola, now=factories.NOON)

    assert "Not commissioned" in before
    assert "Commissioned 2026-11-20 · leads 5.0 mΩ" in text(technician.get("/"))


@pytest.mark.parametrize("number", [1, 5])
def test_takes_the_same_queries_for_any_number_of_rows(
    cast: Cast,
    technician: Client,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(number):
        factories.make_run(by=cast.tola, state=RunState.RUNNING, token=1)
        factories.make_job(by=cast.tola)

    # session, user; jobs, their cells, cells, runs; stations, runs, acts, instruments,
    # commissionings, policy; done jobs; packs in use and policy for their service
    with django_assert_num_queries(17):
        technician.get("/")


def test_nothing_on_a_page_is_inline_or_from_another_host(technician: Client) -> None:
    answer = technician.get("/")

    html = answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", html)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)


def test_an_unknown_page_is_404_in_words(technician: Client) -> None:
    answer = technician.get("/cells/NO-SUCH-CELL")

    assert answer.status_code == 404
    assert "No cell has the serial NO-SUCH-CELL" in text(answer)
