"""Approvals, cells and batches: evidence first, refusals in words."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shop import clock
from shop.cells.models import Cell
from shop.evidence.models import Approval, CapacityTest
from shop.evidence.queries import evidence_of
from shop.quality.services import open_nonconformance
from tests import factories
from tests.api.clients import text
from tests.api.made import approved, balanced
from tests.cast import Cast
from tests.shop.packs.factories import charge, make_bank


def ticked(cells: list[Cell]) -> dict[str, str | list[str]]:
    """The form as the page sends it: each cell with the hash that was shown."""
    seen = {f"seen-{cell.serial}": evidence_of(cell).sha256 for cell in cells}
    return {"cell": [cell.serial for cell in cells], **seen}


def test_shows_each_cells_evidence_and_its_hash(cast: Cast, supervisor: Client) -> None:
    cell = balanced(cast).cells[0]

    page = text(supervisor.get("/approvals"))

    assert "4 of 4 cells can be approved" in page
    assert "3.641 V, 2 min after current stopped" in page
    assert evidence_of(cell).sha256 in page


def test_a_supervisor_approves_what_is_ticked(cast: Cast, supervisor: Client) -> None:
    cells = balanced(cast).cells[:2]

    answer = supervisor.post("/approvals", ticked(cells), follow=True)

    assert "2 cells approved" in text(answer)
    assert set(Approval.objects.values_list("cell", flat=True)) == {cell.pk for cell in cells}


def test_a_technician_reads_what_a_cell_lacks_and_not_what_they_are(
    cast: Cast, technician: Client
) -> None:
    """G1: Tola ran it and is no supervisor; the page says what keeps anyone from approving."""
    make_bank(by=cast.tola, stopped=clock.now() - timedelta(minutes=20))

    page = text(technician.get("/approvals"))

    assert "has no capacity test" in page
    assert "Import its capacity file" in page
    assert "You ran the balance" not in page
    assert page.count("Only a supervisor approves cells") == 1, "beside the button"


def test_nothing_ticked_is_refused_in_words(cast: Cast, supervisor: Client) -> None:
    balanced(cast)

    answer = supervisor.post("/approvals", {})

    assert answer.status_code == 409
    assert "No cell was chosen" in text(answer)


def test_a_technician_sees_the_button_disabled_and_is_refused(
    cast: Cast, technician: Client
) -> None:
    cells = balanced(cast).cells

    page = text(technician.get("/approvals"))
    answer = technician.post("/approvals", ticked(cells))

    assert "Only a supervisor approves cells" in page
    assert answer.status_code == 403
    assert "A technician may not approve" in text(answer)
    assert not Approval.objects.exists()


def test_a_partial_balance_says_why_it_cannot_be_approved(cast: Cast, supervisor: Client) -> None:
    """M5."""
    stopped = clock.now() - timedelta(minutes=20)
    make_bank(by=cast.tola, stopped=stopped, record=charge("stopped", at=stopped, tail_a=3.0))

    page = text(supervisor.get("/approvals"))

    assert "only a partial balance" in page
    assert "Balance it again" in page


def test_an_empty_list_says_what_comes_here(cast: Cast, supervisor: Client) -> None:
    assert "No cell waits for approval" in text(supervisor.get("/approvals"))


def test_a_cell_says_what_comes_next(cast: Cast, technician: Client) -> None:
    fresh = factories.make_cells(1)[0]
    waiting = balanced(cast).cells[0]
    ready = approved(cast).cells[0]
    doubtful = balanced(cast).cells[0]
    open_nonconformance(cell=doubtful, kind="OTHER", words="It is dented.", now=clock.now())

    pages = [text(technician.get(f"/cells/{c.serial}")) for c in (fresh, waiting, ready, doubtful)]

    assert "Next: a top balance" in pages[0]
    assert "Awaits approval" in pages[1]
    assert "fresh for 3 h 39 min" in pages[2] or "fresh for 3 h 40 min" in pages[2]
    assert "It is dented" in pages[3]


def test_imports_a_capacity_file_on_the_page_of_its_batch(cast: Cast, technician: Client) -> None:
    factories.make_policy(by=cast.sade)
    cell = factories.make_cells(1)[0]
    content = f"serial,capacity_ah,tested_at\n{cell.serial},201.2,2026-01-10\n"
    upload = SimpleUploadedFile("grading.csv", content.encode())

    path = f"/batches/{cell.batch.code}/capacity"
    page = text(technician.post(path, {"file": upload}, follow=True))

    assert "1 capacity test imported" in page
    assert "1 of 1 cells have a capacity test" in page
    assert "201.2 Ah" in page


def test_a_broken_file_is_refused_with_its_lines(cast: Cast, technician: Client) -> None:
    factories.make_policy(by=cast.sade)
    batch = factories.make_cells(1)[0].batch
    upload = SimpleUploadedFile("broken.csv", b"serial,capacity_ah\nX,1\n")

    answer = technician.post(f"/batches/{batch.code}/capacity", {"file": upload})

    assert answer.status_code == 409
    assert "tested_at" in text(answer)
    assert not CapacityTest.objects.exists()


def test_no_file_at_all_is_refused_in_words(cast: Cast, technician: Client) -> None:
    batch = factories.make_batch()

    answer = technician.post(f"/batches/{batch.code}/capacity")

    assert answer.status_code == 409
    assert "No file was chosen" in text(answer)
