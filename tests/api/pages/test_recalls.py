"""Recalls on the pages: on the board, on the pack, with the act that makes them."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from shop.equipment.models import CalibrationWithdrawal
from shop.evidence.models import Supersession
from tests.api.clients import logged_in, text
from tests.api.made import assembled, balanced
from tests.cast import Cast, the_cast


def test_a_supervisor_supersedes_a_record_on_the_cells_page(cast: Cast, supervisor: Client) -> None:
    bank = balanced(cast)
    path = f"/cells/{bank.cells[0].serial}"
    page = supervisor.get(path)
    key = re.findall(r'name="once" value="([^"]+)"', page.content.decode())[-1]
    assert bank.balance is not None
    sent = {"record": f"balance:{bank.balance.pk}", "words": "A loose lead.", "once": key}

    first, second = (supervisor.post(f"{path}/supersede", sent) for _ in range(2))

    assert (first.status_code, first["Location"]) == (303, second["Location"])
    assert Supersession.objects.count() == 1
    shown = text(supervisor.get(path))
    assert "Taken back" in shown
    assert "A loose lead." in shown


@pytest.mark.parametrize("record", ["", "balance:", "balance:x", "approval:1", "balance:99999"])
def test_what_names_no_record_is_refused_on_the_page(
    cast: Cast, supervisor: Client, record: str
) -> None:
    path = f"/cells/{balanced(cast).cells[0].serial}/supersede"

    answer = supervisor.post(path, {"record": record, "words": "x", "once": "k"})

    assert answer.status_code == 409
    assert "No record was chosen" in text(answer)


def test_a_technician_sees_no_such_form_and_is_refused(cast: Cast, technician: Client) -> None:
    bank = balanced(cast)
    path = f"/cells/{bank.cells[0].serial}"
    assert bank.balance is not None

    assert "Supersede a record" not in text(technician.get(path))
    sent = {"record": f"balance:{bank.balance.pk}", "words": "x"}
    assert technician.post(f"{path}/supersede", sent).status_code == 403
    assert "Withdraw" not in text(technician.get("/recalls"))


@pytest.mark.django_db(transaction=True)
def test_a_withdrawn_certificate_shows_on_board_pack_and_list() -> None:
    cast = the_cast()
    pack = assembled(cast)
    sade = logged_in(cast.sade)
    scanner = pack.placements.all()[0].cell.runs.get().station.instruments.get(role="scanner")
    known = scanner.calibrations.get()
    assert "recalled" not in text(sade.get("/"))
    assert "No pack is recalled" in text(sade.get("/recalls"))

    path = f"/calibrations/{known.pk}/withdraw"
    refused = sade.post(path, {"words": " "})
    done = sade.post(path, {"words": "It was dropped.", "once": "k-1"})

    assert (refused.status_code, done.status_code) == (409, 303)
    assert CalibrationWithdrawal.objects.get().words == "It was dropped."
    assert "1 pack recalled" in text(sade.get("/"))
    assert "Recalled: what it rests on was taken back" in text(sade.get("/packs/P-1"))
    listed = text(sade.get("/recalls"))
    assert "1 pack rests on evidence that was taken back" in listed
    assert "Ife Solar" in listed
    assert "It was dropped." in listed
