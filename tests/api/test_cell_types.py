"""`cell-types` and `/cell-types`: what the datasheets say (B1, F7)."""

from __future__ import annotations

from django.test import Client

from shop.cells.models import CellType
from tests.api.clients import Api, codes, text
from tests.cast import Cast

EVE = {"maker": "Eve", "model": "LF280K", "datasheet": "rev. B", "capacity_ah": 280.0}


def test_a_type_is_named_read_and_added_to_over_rest(cast: Cast, tola: Api, sade: Api) -> None:
    answer = sade.post("cell-types", **EVE, charge_c_max=1.0, torque_nm=6.0)

    assert answer.status_code == 201
    (shown,) = tola.get("cell-types").json()["cell_types"]
    assert shown == answer.json()
    assert (shown["charge_c_max"], shown["discharge_c_max"], shown["torque_nm"]) == (1.0, None, 6.0)
    assert codes(sade.post("cell-types", **EVE)) == ["cell_type_known"]
    assert codes(sade.post("cell-types", **EVE | {"datasheet": "C"}, torque_nm=60.0)) == [
        "cell_type_wrong"
    ]
    assert sade.post("cell-types", maker="Eve").status_code == 400
    assert tola.post("cell-types", **EVE | {"datasheet": "D"}).status_code == 403
    path = f"cell-types/{shown['id']}/figures"
    assert sade.post(path, discharge_c_max=1.0).json()["discharge_c_max"] == 1.0
    assert codes(sade.post(path, torque_nm=8.0)) == ["said_already"]
    assert sade.post("cell-types/999/figures", torque_nm=8.0).status_code == 404
    assert CellType.objects.count() == 1


def test_a_supervisor_names_a_type_on_its_page_and_sees_what_was_wrong(
    cast: Cast, supervisor: Client, technician: Client
) -> None:
    typed = {
        "maker": "Eve",
        "model": "LF280K",
        "datasheet": "rev. B",
        "capacity_ah": "280",
        "charge_voltage_max_v": "3,65",
        "discharge_voltage_min_v": "2,5",
        "charge_c_max": "1",
        "r_typical_ohm": "0,0002",
        "torque_nm": "60",
    }
    wrong = supervisor.post("/cell-types/new", typed)
    assert wrong.status_code == 409
    assert "Torque of its nuts: 60 N·m is not one of a LiFePO4 cell" in text(wrong)
    assert 'value="LF280K"' in wrong.content.decode()
    assert supervisor.post("/cell-types/new", typed | {"torque_nm": "six"}).status_code == 409

    assert supervisor.post("/cell-types/new", typed | {"torque_nm": ""}).status_code == 303

    made = CellType.objects.get()
    assert "Torque of its nuts: not said" in text(technician.get("/cell-types"))
    assert "A new type" not in text(technician.get("/cell-types"))
    assert technician.post(f"/cell-types/{made.pk}/figures", {"torque_nm": "6"}).status_code == 403
    assert supervisor.post(f"/cell-types/{made.pk}/figures", {"torque_nm": "6"}).status_code == 303
    assert "Torque of its nuts: 6 N·m" in text(technician.get("/cell-types"))
