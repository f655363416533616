"""`/alerts`: send a test alert and say that it arrived (F4)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, page, person, row_or_404
from shop import clock
from shop.alerts import services
from shop.alerts.models import AlertCheck
from shop.alerts.queries import last_arrived_at, stuck
from shop.refusals import Refusal

NEWEST = 10


@page
def show(request: HttpRequest) -> HttpResponse:
    return _page(request)


@form
def send(request: HttpRequest) -> HttpResponse:
    def do() -> str:
        services.send_check(by=person(request), now=clock.now())
        return reverse("pages:alerts")

    return acted(do, otherwise=lambda refusal: _page(request, refusal))


@form
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    check = row_or_404(AlertCheck.objects.all(), f"There is no alert check {pk}.", pk=pk)

    def do() -> str:
        services.confirm_check(
            check=check, code=request.POST.get("code", ""), by=person(request), now=clock.now()
        )
        return reverse("pages:alerts")

    return acted(do, otherwise=lambda refusal: _page(request, refusal))


def _page(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    checks = AlertCheck.objects.select_related("confirmed_by")[:NEWEST]
    context = {
        "refusal": refusal,
        "address": settings.ALERT_EMAIL,
        "arrived_at": last_arrived_at(),
        "unsent": stuck(clock.now()),
        "checks": checks,
        "open": next((c for c in checks if c.confirmed_at is None and not c.error), None),
    }
    return render(request, "alerts/alerts.html", context)
