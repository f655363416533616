"""`/leads`: cables as equipment, what was measured of them, at which station they lie (B6)."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, page, person, row_or_404
from api.reads import leads
from api.reads.typed import number_or_nan
from shop import clock
from shop.equipment.models import Station
from shop.leads.models import LeadSet
from shop.leads.rules import mm2_of_awg
from shop.leads.services import fit_leads, register_lead_set
from shop.people.roles import Act, may
from shop.refusals import Refusal

GAUGES_AWG = (14, 12, 10, 8, 6, 4)


@page
def show(request: HttpRequest) -> HttpResponse:
    return _page(request)


@form
def new(request: HttpRequest) -> HttpResponse:
    typed = request.POST

    def do() -> str:
        register_lead_set(
            label=typed.get("label", ""),
            gauge_mm2=_area_mm2(typed.get("gauge", "")),
            length_m=number_or_nan(typed.get("length", "")),
            end=typed.get("end", ""),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:leads")

    return acted(do, otherwise=lambda refusal: _page(request, refusal))


@form
def fit(request: HttpRequest, pk: int) -> HttpResponse:
    lead_set = row_or_404(LeadSet.objects.all(), f"There is no lead set {pk}.", pk=pk)
    slug = request.POST.get("station", "")
    station = row_or_404(Station.objects.all(), f"There is no station {slug!r}.", slug=slug)

    def do() -> str:
        fit_leads(station=station, lead_set=lead_set, by=person(request), now=clock.now())
        return reverse("pages:leads")

    return acted(do, otherwise=lambda refusal: _page(request, refusal))


def _area_mm2(text: str) -> float:
    """Square millimetres, or a gauge as "10 AWG"; NaN for anything else."""
    words = text.strip().lower()
    if not words.endswith("awg"):
        return number_or_nan(words.removesuffix("mm²").removesuffix("mm2"))
    gauge = words.removesuffix("awg").strip()
    return mm2_of_awg(int(gauge)) if re.fullmatch("[0-9]{1,2}", gauge) else float("nan")


def _page(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    context = {
        "leads": leads.every(),
        "stations": Station.objects.filter(retirement=None).order_by("slug"),
        "gauges": [f"{awg} AWG" for awg in GAUGES_AWG],
        "ends": LeadSet.End.choices,
        "may_define": may(person(request).role, Act.DEFINE),
        "refusal": refusal,
        "typed": request.POST if refusal else {},
    }
    return render(request, "board/leads.html", context)
