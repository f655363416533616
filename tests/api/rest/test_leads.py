"""`lead-sets` and `/leads`: cables as equipment (B6)."""

from __future__ import annotations

from django.test import Client

from shop.leads.models import LeadSet
from tests import factories
from tests.api.clients import Api, codes, text
from tests.cast import Cast


def test_registered_fitted_and_read_over_rest(cast: Cast, tola: Api, sade: Api) -> None:
    station = factories.make_station()
    new = {"name": "L-1", "awg": 10, "length_m": 1.5, "end": "ring_6"}
    answer = sade.post("lead-sets", **new)

    assert answer.status_code == 201
    assert answer.json()["rated_a"] == 30.0
    assert codes(sade.post("lead-sets", **new)) == ["lead_set_known"]
    assert sade.post("lead-sets", name="L-2", length_m=1.0, end="ring_6").status_code == 400
    put = tola.post(f"stations/{station.slug}/leads", name="L-1")
    assert (put.status_code, put.json()["leads"]["station"]) == (201, station.slug)
    assert tola.get(f"stations/{station.slug}/leads").json()["leads"]["milliohm"] is None
    assert [one["name"] for one in tola.get("lead-sets").json()["lead_sets"]] == ["L-1"]
    assert tola.post(f"stations/{station.slug}/leads", name="L-9").status_code == 404


def test_a_person_registers_fits_and_sees_them_on_the_plan(
    cast: Cast, supervisor: Client, technician: Client
) -> None:
    station = factories.make_station()
    job = factories.make_job(by=cast.tola, claimed_at=station)
    assert "No lead set is on record" in text(technician.get(f"/jobs/{job.pk}"))

    pair = {"label": "L-1", "gauge": "10 AWG", "length": "1,5", "end": "ring_6"}
    assert supervisor.post("/leads/new", pair).status_code == 303
    wrong = supervisor.post("/leads/new", pair | {"label": "L-2", "gauge": "thick"})
    many = supervisor.post("/leads/new", pair | {"label": "L-3", "gauge": "9" * 5000 + " AWG"})
    assert many.status_code == 409
    assert wrong.status_code == 409
    page = text(technician.get("/leads"))
    assert "10 AWG (5.3 mm²), 1.5 m, 6 mm ring lugs" in page
    assert "Rated for 30 A" in page
    assert "A new pair" not in page
    made = LeadSet.objects.get()
    fitted = technician.post(f"/leads/{made.pk}/fit", {"station": station.slug})

    assert fitted.status_code == 303
    assert "Leads L-1" in text(technician.get(f"/jobs/{job.pk}"))
