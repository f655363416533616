"""`/shelf`, its place on the board, and the same through the API (B8, G5)."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client

from shop import clock
from shop.shelf.services import remind
from tests import factories
from tests.api.clients import Api, codes, text
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
    assert (first["shelf"], first["lies"].split(":")[0]) == (None, "No shelf on record")


def test_cells_are_laid_on_a_shelf_by_scanning_them(cast: Cast, technician: Client) -> None:
    bank = balanced(cast)
    serials = [cell.serial for cell in bank.cells]
    assert text(technician.get("/shelf")).count("No shelf on record") == 4
    offered = text(technician.get(f"/shelf/place?run={bank.run.pk}"))
    assert "Or tick from the cells of run" in offered
    typed = {"cells": "\n".join(serials[:3]), "shelf": "B3", "temperature_c": "27,5"}

    wrong = technician.post("/shelf/places", typed | {"covered": "on", "cell": serials[3]})
    assert wrong.status_code == 409
    assert "Nobody said that the cells are unlinked." in text(wrong)
    assert serials[0] in wrong.content.decode()  # what was scanned is not lost
    ticked = typed | {"unlinked": "on", "covered": "on"}
    ghost = technician.post("/shelf/places", ticked | {"cells": f"{serials[0]} GHOST"})
    assert ghost.status_code == 404
    assert technician.post("/shelf/places", ticked | {"temperature_c": "warm"}).status_code == 409
    assert "On shelf" not in text(technician.get("/shelf"))

    assert technician.post("/shelf/places", ticked).status_code == 303

    factories.make_policy(by=cast.sade, shelf_max_degc=27.0)
    page = text(technician.get("/shelf"))
    assert "at 27 °C or less" in page.replace("\u202f", " ")
    assert page.count("On shelf B3. 27.5 °C is warmer than 27 °C") == 3
    assert page.count("No shelf on record") == 1
    cell = text(technician.get(f"/cells/{serials[0]}"))
    assert "Shelf B3, 27.5 °C" in cell.replace("\u202f", " ")
    assert "unlinked, covered · Tola" in cell


def test_nobody_is_asked_on_which_shelf_a_cell_lies_that_a_run_has(
    cast: Cast, technician: Client, tola: Api
) -> None:
    bank = balanced(cast)
    serials = [cell.serial for cell in bank.cells]
    (row,) = bank.run.run_cells.filter(cell=bank.cells[0])
    row.active = True
    row.save(update_fields=["active"])

    offered = technician.get("/shelf/place").content.decode()
    cell = text(technician.get(f"/cells/{serials[0]}"))

    assert [f'value="{serial}"' in offered for serial in serials] == [False, True, True, True]
    assert "On no shelf: a run has it on its bench." in cell
    assert "Say where cells lie" not in cell
    assert text(technician.get("/shelf")).count("No shelf on record") == 3
    assert tola.get(f"cells/{serials[0]}").json()["lies"].startswith("On no shelf: a run has it")


def test_a_place_is_recorded_and_read_over_rest(cast: Cast, tola: Api) -> None:
    bank = balanced(cast)
    serials = [cell.serial for cell in bank.cells]
    asked = {"cells": serials, "shelf": "B3", "unlinked": True, "covered": True}

    assert codes(tola.post("shelf/places", **asked | {"covered": False})) == ["not_covered"]
    assert tola.post("shelf/places", shelf="B3").status_code == 400
    answer = tola.once("one-shelf", "shelf/places", **asked, temperature_c=26.0)
    again = tola.once("one-shelf", "shelf/places", **asked, temperature_c=26.0)

    assert (answer.status_code, again.json()) == (201, answer.json())
    assert answer.json()["warning"].startswith("26 °C is warmer than 25 °C")
    assert [place["serial"] for place in answer.json()["places"]] == serials
    assert {cell["shelf"] for cell in tola.get("shelf").json()["cells"]} == {"B3"}
    shown = tola.get(f"cells/{serials[0]}").json()
    assert [place["shelf"] for place in shown["places"]] == ["B3"]
    assert shown["lies"].startswith("On shelf B3. 26 °C is warmer")


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
