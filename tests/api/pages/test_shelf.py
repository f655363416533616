"""`/shelf`, its place on the board, and the same through the API (B8, G5)."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client

from shop import clock
from shop.shelf.services import remind
from tests.api.clients import text
from tests.api.made import balanced
from tests.cast import Cast
from tests.shop.packs.factories import make_bank


def test_an_empty_shelf_says_what_would_be_there(technician: Client) -> None:
    assert "Nothing is on the shelf" in text(technician.get("/shelf"))


def test_shows_how_long_each_cell_is_fresh_and_what_to_do(cast: Cast, technician: Client) -> None:
    now = clock.now()
    fresh = balanced(cast).cells[0]
    due = make_bank(by=cast.tola, stopped=now - timedelta(hours=3, minutes=40)).cells[0]
    over = make_bank(by=cast.tola, stopped=now - timedelta(hours=6)).cells[0]

    answer = technician.get("/shelf")
    page, markup = text(answer), answer.content.decode()

    assert re.search("fresh for (19|20) min", page.replace("\u202f", " "))
    assert "Place it now, or check every cell of its bank again." in page
    assert "Overdue" in page
    places = [markup.index(f"/cells/{cell.serial}") for cell in (due, fresh, over)]
    assert places == sorted(places)


def test_the_api_says_the_same(cast: Cast, technician: Client) -> None:
    bank = balanced(cast)

    cells = technician.get("/api/v1/shelf").json()["cells"]

    assert [cell["serial"] for cell in cells] == [cell.serial for cell in bank.cells]
    first = cells[0]
    assert (first["bank"], first["state"]) == (bank.run.pk, "fresh")
    assert 3.6 * 3600 < first["left_s"] < 3.7 * 3600
    assert first["do"] == "It may go into a pack."


def test_the_board_leads_there_and_reminds_supervisors(
    cast: Cast, technician: Client, supervisor: Client
) -> None:
    bank = make_bank(by=cast.tola, stopped=clock.now() - timedelta(hours=3, minutes=40))
    remind(now=clock.now())

    answer = supervisor.get("/")
    seen = text(answer)

    words = f"4 cells of run {bank.run.pk} are due for a re-check"
    assert words in seen
    assert words not in text(technician.get("/"))
    assert 'href="/shelf"' in answer.content.decode()
