"""Taking evidence back over HTTP, by whom and how often; and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from shop.audit.models import AuditEntry
from shop.equipment.models import Calibration, CalibrationWithdrawal
from shop.evidence.models import Supersession
from stations.clock import guard_s
from tests.api.clients import Api, codes, logged_in
from tests.api.made import assembled, balanced
from tests.cast import Cast, the_cast
from tests.faults.matrix import Trial

REASON = "The scanner's card was loose."


def balance_of(cast: Cast) -> dict[str, Any]:
    bank = balanced(cast)
    assert bank.balance is not None
    return {"kind": "balance", "id": bank.balance.pk, "words": REASON}


def test_a_supervisor_supersedes_what_the_cells_page_shows(cast: Cast, sade: Api) -> None:
    cell = balanced(cast).cells[0].serial
    shown = sade.get(f"cells/{cell}").json()

    for kind, record in (
        ("balance", shown["balances"][0]),
        ("voltage_check", shown["checks"][0]),
        ("capacity_test", shown["tests"][0]),
    ):
        assert record["superseded"] is None
        answer = sade.post("supersessions", kind=kind, id=record["id"], words=REASON)
        assert (answer.status_code, answer.json()["of"]) == (201, record["id"])

    again = sade.get(f"cells/{cell}").json()
    for name in ("balances", "checks", "tests"):
        assert again[name][0]["superseded"]["words"] == REASON


def test_nobody_else_and_nothing_unknown(cast: Cast, sade: Api, tola: Api) -> None:
    asked = balance_of(cast)

    assert tola.post("supersessions", **asked).status_code == 403
    assert sade.post("supersessions", **asked | {"id": 999_999}).status_code == 404
    assert sade.post("supersessions", **asked | {"kind": "approval"}).status_code == 400
    assert codes(sade.post("supersessions", **asked | {"words": " "})) == ["reason"]
    assert not Supersession.objects.exists()


def test_a_second_time_is_told_that_somebody_was_first(cast: Cast, sade: Api) -> None:
    asked = balance_of(cast)
    sade.post("supersessions", **asked)

    again = Api(logged_in(cast.kemi)).post("supersessions", **asked)

    assert (again.status_code, codes(again)) == (409, ["stale"])


def test_the_same_request_again_is_one_act(cast: Cast, sade: Api) -> None:
    asked = balance_of(cast)

    first, again = (sade.once("k-1", "supersessions", **asked) for _ in range(2))

    assert (first.status_code, first.content) == (201, again.content)
    assert Supersession.objects.count() == 1
    changed = sade.once("k-1", "supersessions", **asked | {"words": "Other."})
    assert (changed.status_code, codes(changed)) == (422, ["key_used"])


def test_a_certificate_is_withdrawn_by_its_number(cast: Cast, sade: Api, tola: Api) -> None:
    balanced(cast)
    known = sade.get("instruments").json()["instruments"][0]["calibrations"][0]
    path = f"calibrations/{known['id']}/withdraw"

    assert tola.post(path, words=REASON).status_code == 403
    answers = [sade.once("k-1", path, words=REASON) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert CalibrationWithdrawal.objects.get().words == REASON
    shown = sade.get("instruments").json()["instruments"][0]["calibrations"][0]
    assert (known["withdrawn_at"], shown["words"]) == (None, REASON)
    assert shown["withdrawn_at"]
    assert sade.post("calibrations/999999/withdraw", words="x").status_code == 404


def test_only_supervisors_read_the_audit(cast: Cast, sade: Api, tola: Api) -> None:
    sade.post("supersessions", **balance_of(cast))

    assert tola.get("audit").status_code == 403
    entry = sade.get("audit").json()["entries"][0]
    assert (entry["kind"], entry["by"]) == ("SUPERSEDED", "sade")
    assert entry["number"] == AuditEntry.objects.count()


@pytest.mark.fault("35", "calibration withdrawn after assembly", trials=20, limit_s=60.0)
@pytest.mark.django_db(transaction=True)
def test_a_recalled_pack_says_so_wherever_it_is_shown(trial: Trial) -> None:
    cast = the_cast()
    pack = assembled(cast)
    sade = Api(logged_in(cast.sade))
    meter = pack.placements.all()[0].cell.runs.get().station.instruments.get(role="scanner")
    known = Calibration.objects.get(instrument=meter)
    assert sade.get("packs/P-1").json()["recalls"] == []

    began_s = guard_s()
    sade.post(f"calibrations/{known.pk}/withdraw", words="Dropped.")
    trial.happened(CalibrationWithdrawal.objects.filter(calibration=known).exists())

    listed = sade.get("recalls").json()["packs"]
    assert [(row["serial"], row["customer"]) for row in listed] == [("P-1", "Ife Solar")]
    assert "Dropped." in listed[0]["reasons"][0]["words"]
    assert sade.get("packs/P-1").json()["recalls"] == listed[0]["reasons"]
    trial.off_after(guard_s() - began_s)
