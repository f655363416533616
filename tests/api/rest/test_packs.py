"""`packs`: the gate's answer, assembly, links; `trace`: what the customer reads (G1-G7, T2)."""

from __future__ import annotations

from typing import Any

import pytest

from shop.evidence.models import VoltageCheck
from shop.packs.models import GateDecision, Pack
from tests import factories
from tests.api.clients import Api, codes
from tests.api.made import approved, assembled, balanced
from tests.cast import Cast
from tests.shop.packs.factories import Bank, make_design


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    from tests.cast import the_cast

    return the_cast()


def wish(bank: Bank, **changes: Any) -> dict[str, Any]:
    serials = [cell.serial for cell in bank.cells]
    return {"design": make_design().name, "cells": serials} | changes


def test_the_gate_answers_with_every_finding_and_writes_nothing(cast: Cast, tola: Api) -> None:
    answer = tola.post("packs/check", **wish(approved(cast))).json()

    assert answer["allowed"] is True
    assert {finding["verdict"] for finding in answer["findings"]} <= {"pass", "not applicable"}
    assert not GateDecision.objects.exists()


def test_the_gate_says_what_is_missing_and_what_to_do(cast: Cast, tola: Api) -> None:
    answer = tola.post("packs/check", **wish(balanced(cast))).json()

    missing = [f for f in answer["findings"] if f["verdict"] == "missing"]
    assert answer["allowed"] is False
    assert {finding["rule"] for finding in missing} == {"G1"}
    assert all(finding["fix"] for finding in missing)


def test_assembles_a_pack(cast: Cast, tola: Api) -> None:
    bank = approved(cast)

    answer = tola.post("packs", **wish(bank, serial="PACK-7", customer=cast.ife.pk))

    assert answer.status_code == 201
    assert answer.json()["customer"] == "Ife Solar"
    placed = tola.get("packs/PACK-7").json()["cells"]
    assert [(c["serial"], c["position"]) for c in placed] == [
        (cell.serial, position) for position, cell in enumerate(bank.cells, start=1)
    ]


def test_the_gate_refuses_with_its_findings_and_keeps_its_decision(cast: Cast, tola: Api) -> None:
    answer = tola.post("packs", **wish(balanced(cast), serial="PACK-7"))

    assert (answer.status_code, set(codes(answer))) == (409, {"G1"})
    assert answer.json()["findings"]
    assert not Pack.objects.exists()
    assert GateDecision.objects.get().allowed is False


def test_a_cell_that_is_in_a_pack_is_refused(cast: Cast, tola: Api) -> None:
    bank = approved(cast)
    tola.post("packs", **wish(bank, serial="PACK-7"))

    answer = tola.post("packs", **wish(bank, serial="PACK-8"))

    assert answer.status_code == 409
    assert Pack.objects.count() == 1


def test_one_cell_scanned_twice_is_refused(cast: Cast, tola: Api) -> None:
    bank = approved(cast)
    first, *others = [cell.serial for cell in bank.cells]

    answer = tola.post("packs", **wish(bank, serial="P-2", cells=[first, first, *others[1:]]))

    assert answer.status_code == 409
    assert not Pack.objects.exists()


@pytest.mark.parametrize("path", ["packs/check", "packs"])
def test_unknown_serials_and_designs_are_404(cast: Cast, tola: Api, path: str) -> None:
    design = make_design().name

    cell = tola.post(path, design=design, cells=["NO-SUCH"], serial="P-3")
    no_design = tola.post(path, design="none", cells=["NO-SUCH"], serial="P-3")

    assert (cell.status_code, codes(cell)) == (404, ["unknown_serial"])
    assert (no_design.status_code, codes(no_design)) == (404, ["unknown"])


def test_a_pack_without_a_serial_is_malformed(cast: Cast, tola: Api) -> None:
    answer = tola.post("packs", design="d", cells=["C1"])

    assert (answer.status_code, codes(answer)) == (400, ["malformed"])


def test_lists_designs_and_customers(cast: Cast, tola: Api) -> None:
    design = make_design()

    assert tola.get("designs").json()["designs"][0]["name"] == design.name
    assert tola.get("customers").json()["customers"] == [{"id": cast.ife.pk, "name": "Ife Solar"}]


def test_an_unknown_pack_is_404(cast: Cast, tola: Api) -> None:
    assert tola.get("packs/NO-SUCH").status_code == 404
    assert tola.post("packs/NO-SUCH/links").status_code == 404


def test_a_link_opens_the_trace_without_a_log_in_and_names_no_staff(cast: Cast, tola: Api) -> None:
    """T2: advice and cells, no names, nobody else's cells, no address passed on."""
    pack = assembled(cast)

    made = tola.post(f"packs/{pack.serial}/links").json()
    answer = Api().get(f"trace/{made['secret']}")

    body = answer.json()
    assert made["path"] == f"/t/{made['secret']}"
    assert (body["serial"], body["valid"]) == ("P-1", True)
    assert (body["advice"]["pack_low_v"], body["advice"]["pack_high_v"]) == (13.8, 14.0)
    assert len(body["cells"]) == 4
    for name in ("tola", "sade", "bayo", "ife solar"):
        assert name not in answer.content.decode().lower()
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_a_supervisor_revokes_a_link_and_it_answers_like_one_that_never_was(
    cast: Cast, tola: Api, sade: Api
) -> None:
    pack = assembled(cast)
    made = tola.post(f"packs/{pack.serial}/links").json()
    link = f"packs/{pack.serial}/links/{made['id']}"

    by_technician = tola.delete(link)
    by_supervisor = sade.delete(link)

    revoked, unknown = Api().get(f"trace/{made['secret']}"), Api().get("trace/never-was")
    assert (by_technician.status_code, codes(by_technician)) == (403, ["role"])
    assert by_supervisor.status_code == 204
    assert (revoked.status_code, revoked.json()) == (404, unknown.json())
    assert codes(sade.delete(link)) == ["stale"]


def test_draws_only_curves_of_the_pack_itself(cast: Cast, tola: Api) -> None:
    pack = assembled(cast)
    secret = tola.post(f"packs/{pack.serial}/links").json()["secret"]
    own = VoltageCheck.objects.get().run_id
    other = factories.make_run(by=cast.tola)

    assert Api().get(f"trace/{secret}/curve?run={own}").json()["run"] == own
    assert Api().get(f"trace/{secret}/curve?run={other.pk}").status_code == 404
    assert Api().get(f"trace/{secret}/curve").status_code == 404
    assert Api().get(f"trace/never-was/curve?run={own}").status_code == 404
