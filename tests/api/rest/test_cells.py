"""`cells`, `capacity-tests/import`, `approvals`: evidence in, evidence seen, evidence approved."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries

from shop.evidence.models import Approval, CapacityTest
from shop.evidence.taking_back import withdraw
from tests import factories
from tests.api.clients import Api, codes
from tests.api.made import approved, balanced
from tests.cast import Cast
from tests.played import play_resistance


def send_file(api: Api, content: str) -> Any:
    upload = SimpleUploadedFile("grading.csv", content.encode(), content_type="text/csv")
    return api.client.post("/api/v1/capacity-tests/import", {"file": upload})


def test_imports_every_row_of_a_file(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    one, two = factories.make_cells(2)

    answer = send_file(
        tola,
        "serial,capacity_ah,tested_at\n"
        f"{one.serial},201.2,2026-01-10\n{two.serial},200.9,2026-01-10\n",
    )

    assert answer.status_code == 201
    assert [test["capacity_ah"] for test in answer.json()["tests"]] == [201.2, 200.9]


def test_a_broken_file_is_refused_by_line_and_writes_nothing(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    cell = factories.make_cells(1)[0]

    answer = send_file(
        tola,
        f"serial,capacity_ah,tested_at\n{cell.serial},201.2,2026-01-10\nUNKNOWN-1,abc,2026-01-10\n",
    )

    assert answer.status_code == 409
    assert any("3" in problem["words"] for problem in answer.json()["problems"])
    assert not CapacityTest.objects.exists()


def test_an_import_without_a_file_is_malformed(tola: Api) -> None:
    answer = tola.client.post("/api/v1/capacity-tests/import", {})

    assert (answer.status_code, codes(answer)) == (400, ["malformed"])


def test_the_same_file_twice_is_refused(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    content = (
        f"serial,capacity_ah,tested_at\n{factories.make_cells(1)[0].serial},201.2,2026-01-10\n"
    )
    send_file(tola, content)

    answer = send_file(tola, content)

    assert (answer.status_code, codes(answer)) == (409, ["file_known"])


def test_shows_a_cell_with_its_evidence(cast: Cast, tola: Api) -> None:
    cell = balanced(cast).cells[0]

    body = tola.get(f"cells/{cell.serial}").json()

    assert body["balances"][0]["completeness"] == "COMPLETE"
    assert [check["verdict"] for check in body["checks"]] == ["PASS"]
    assert (body["approved"], body["pack"], len(body["evidence_sha256"])) == (False, None, 64)


def test_shows_what_resistance_a_cell_and_a_run_have(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    (cell,) = factories.make_cells(1)
    station = factories.make_station(load=True, now=factories.NOON)
    run = play_resistance(by=cast.tola, cell=cell, station=station, began_at=factories.NOON)

    (of_cell,) = tola.get(f"cells/{cell.serial}").json()["resistances"]
    of_run = tola.get(f"runs/{run.pk}").json()

    assert of_run["resistance"] == of_cell
    assert (of_cell["verdict"], of_cell["after_s"], of_cell["run"]) == ("PASS", 10.0, run.pk)
    assert 0.30 < of_cell["r_mohm"] < 0.36
    assert of_run["target_v"] is None


def test_a_resistance_under_a_withdrawn_certificate_says_so(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    (cell,) = factories.make_cells(1)
    station = factories.make_station(load=True, now=factories.NOON)
    run = play_resistance(by=cast.tola, cell=cell, station=station, began_at=factories.NOON)
    meter = station.instruments.get(role="meter")
    certificate = meter.calibrations.get()

    withdraw(calibration=certificate, words="wrong range", by=cast.sade, now=factories.NOON)

    (of_cell,) = tola.get(f"cells/{cell.serial}").json()["resistances"]
    assert of_cell["withdrawn"] == certificate.certificate
    assert tola.get(f"runs/{run.pk}").json()["resistance"] == of_cell

    factories.calibrate(meter)  # another one covers that day

    (of_cell,) = tola.get(f"cells/{cell.serial}").json()["resistances"]
    assert of_cell["withdrawn"] is None


def test_an_unknown_cell_is_404(tola: Api) -> None:
    answer = tola.get("cells/NO-SUCH")

    assert (answer.status_code, codes(answer)) == (404, ["unknown"])


def test_lists_what_waits_for_approval_with_the_hash_that_is_approved(
    cast: Cast, sade: Api
) -> None:
    bank = balanced(cast)

    waiting = sade.get("approvals").json()["cells"]

    assert {cell["serial"] for cell in waiting} == {cell.serial for cell in bank.cells}
    assert all(cell["problems"] == [] for cell in waiting)


def test_a_supervisor_approves_what_was_seen(cast: Cast, sade: Api) -> None:
    balanced(cast)
    seen = [
        {"serial": cell["serial"], "evidence_sha256": cell["evidence_sha256"]}
        for cell in sade.get("approvals").json()["cells"]
    ]

    answer = sade.post("approvals", cells=seen)

    assert answer.status_code == 201
    assert len(answer.json()["approvals"]) == 4
    assert sade.get("approvals").json()["cells"] == []


def test_a_technician_may_look_and_not_approve(cast: Cast, tola: Api) -> None:
    """G1: the wrong role, in words."""
    balanced(cast)
    cell = tola.get("approvals").json()["cells"][0]

    answer = tola.post(
        "approvals",
        cells=[{"serial": cell["serial"], "evidence_sha256": cell["evidence_sha256"]}],
    )

    assert cell["problems"] == []  # nothing is wrong with the cell: it waits for a supervisor
    assert (answer.status_code, codes(answer)) == (403, ["role"])
    assert not Approval.objects.exists()


def test_evidence_that_changed_since_it_was_seen_is_refused(cast: Cast, sade: Api) -> None:
    cell = balanced(cast).cells[0]

    answer = sade.post("approvals", cells=[{"serial": cell.serial, "evidence_sha256": "0" * 64}])

    assert (answer.status_code, codes(answer)) == (409, ["stale_evidence"])


def test_a_hash_that_is_none_is_malformed(sade: Api) -> None:
    answer = sade.post("approvals", cells=[{"serial": "C1", "evidence_sha256": "abc"}])

    assert (answer.status_code, codes(answer)) == (400, ["malformed"])


def test_the_list_takes_the_same_queries_for_two_banks_as_for_one(
    cast: Cast, sade: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    balanced(cast)
    balanced(cast)
    approved(cast)

    with django_assert_num_queries(21):
        answer = sade.get("approvals")

    assert len(answer.json()["cells"]) == 8
