"""`recipes` and `policies` by REST: fields, differences, storing, retirement, refusals."""

from __future__ import annotations

from tests.api.clients import Api, codes
from tests.cast import Cast
from tests.factories import make_cells

TOP = {"name": "Top", "procedure": "parallel_top_balance"}


def test_a_recipe_is_stored_changed_compared_and_retired(cast: Cast, sade: Api) -> None:
    first = sade.post("recipes", **TOP, parameters={})
    second = sade.post("recipes", **TOP, parameters={"target_v": 3.6}, reason="3.60 V BMS.")

    assert (first.status_code, second.status_code) == (201, 201)
    target = next(f for f in second.json()["fields"] if f["name"] == "target_v")
    assert (target["value"], target["default"], target["unit"]) == (3.6, 3.65, "V")
    assert target["bounds"] == {"low": 3.5, "high": 3.65}
    ids = [answer.json()["id"] for answer in (second, first)]
    since = sade.get(f"recipes/{ids[0]}/since/{ids[1]}").json()
    assert [(d["name"], d["old"], d["new"]) for d in since["differences"]] == [
        ("target_v", 3.65, 3.6)
    ]
    retired = sade.post(f"recipes/{ids[1]}/retire", words="Superseded.").json()
    assert retired["retired"]["words"] == "Superseded."
    assert [r["id"] for r in sade.get("recipes").json()["recipes"]] == ids
    serials = [cell.serial for cell in make_cells(2)]
    refused = sade.post("jobs", recipe_version=ids[1], cells=serials)
    assert (refused.status_code, codes(refused)) == (409, ["recipe_retired"])


def test_every_wrong_field_is_named(cast: Cast, sade: Api) -> None:
    refused = sade.post("recipes", **TOP, parameters={"target_v": 9, "x": 1})

    assert refused.status_code == 409
    assert {p["about"] for p in refused.json()["problems"]} == {"target_v", "x"}
    unknown = sade.post("recipes", name="Top", procedure="magic", parameters={})
    assert codes(unknown) == ["unknown_procedure"]
    assert codes(sade.post("recipes", name="Top")) == ["malformed", "malformed"]


def test_the_policy_is_stored_and_read(cast: Cast, sade: Api) -> None:
    sade.post("policies", parameters={})
    made = sade.post("policies", parameters={"fresh_s": 7200.0}, reason="Hot days.")

    assert (made.status_code, made.json()["version"]) == (201, 2)
    assert sade.get("policies/2").json()["reason"] == "Hot days."
    found = sade.get("policies/2/since/1").json()["differences"]
    assert [(d["name"], d["new"]) for d in found] == [("fresh_s", 7200.0)]
    assert [p["version"] for p in sade.get("policies").json()["policies"]] == [2, 1]
    assert sade.get("policies/3").status_code == 404


def test_a_technician_stores_nothing(cast: Cast, tola: Api, sade: Api) -> None:
    made = sade.post("recipes", **TOP, parameters={}).json()["id"]

    for path, body in (
        ("recipes", TOP | {"parameters": {}}),
        ("policies", {"parameters": {}}),
        (f"recipes/{made}/retire", {"words": "x"}),
    ):
        assert tola.post(path, **body).status_code == 403
    assert tola.get(f"recipes/{made}").status_code == 200
