"""`/recalls`: packs that rest on what was taken back, and the certificates to withdraw."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, page, person, row_or_404
from api.reads.equipment import instruments
from shop import clock
from shop.equipment.models import Calibration
from shop.evidence.taking_back import withdraw as withdraw_calibration
from shop.people.roles import Act, may
from shop.refusals import Refusal
from shop.trace.recall import recall_list


@page
def show(request: HttpRequest) -> HttpResponse:
    return _page(request)


@form
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    calibrations = Calibration.objects.select_related("instrument")
    calibration = row_or_404(calibrations, f"There is no calibration {pk}.", pk=pk)

    def do() -> str:
        withdraw_calibration(
            calibration=calibration,
            words=request.POST.get("words", ""),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:recalls")

    return acted(do, otherwise=lambda refusal: _page(request, refusal))


def _page(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    context = {
        "refusal": refusal,
        "recalls": recall_list(),
        "instruments": instruments(),
        "may_withdraw": may(person(request).role, Act.WITHDRAW),
    }
    return render(request, "trace/recalls.html", context)
