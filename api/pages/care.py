"""`/packs/<serial>/…`: reading a pack in use, skipping a balance on evidence, taking it apart."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, number, page, person, row_or_404
from api.pages.packs import pack_page
from api.reads.typed import decimal, moment, voltages
from api.refused import one_problem
from shop import clock
from shop.care import services
from shop.care.models import PackReading
from shop.care.queries import AHEAD, packs_due
from shop.jobs.models import RecipeVersion
from shop.packs.models import Pack


@form
def read(request: HttpRequest, serial: str) -> HttpResponse:
    sent = request.POST

    def do(pack: Pack) -> None:
        services.read_pack(
            pack=pack,
            cells_v=voltages(sent.get("cells", "")),
            at_top="at_top" in sent,
            taken_at=moment(sent.get("taken_at", "")),
            months=_months(sent.get("months", "").strip()),
            measured_by=sent.get("measured_by", ""),
            by=person(request),
            now=clock.now(),
        )

    return _act(request, serial, do)


@page
def service(request: HttpRequest) -> HttpResponse:
    """M4: what is to be read now and in the next 30 days."""
    now = clock.now()
    context = {"due": packs_due(until=now + AHEAD), "now": now}
    return render(request, "packs/service.html", context)


@form
def recover(request: HttpRequest, serial: str) -> HttpResponse:
    """Open the job that the newest reading asks for."""
    sent = request.POST
    readings = PackReading.objects.filter(pack__serial=serial).select_related("pack__design")
    reading = row_or_404(
        readings, f"Pack {serial} has no such reading.", pk=number(sent.get("reading"))
    )

    def do() -> str:
        version = _recipe(sent.get("recipe"))
        if version is None:
            raise one_problem("no_recipe", "No recipe was chosen.", "Choose one.")
        recovery = services.open_recovery(
            reading=reading, recipe_version=version, by=person(request), now=clock.now()
        )
        return reverse("pages:job", args=[recovery.job_id])

    return acted(do, otherwise=lambda refusal: pack_page(request, serial, refusal))


@form
def skip(request: HttpRequest, serial: str) -> HttpResponse:
    sent = request.POST

    def do(pack: Pack) -> None:
        services.skip_balance(
            pack=pack,
            capacity_ah=decimal(sent.get("capacity_ah", ""), "a capacity in Ah"),
            tested_at=moment(sent.get("tested_at", "")),
            measured_by=sent.get("measured_by", ""),
            by=person(request),
            now=clock.now(),
        )

    return _act(request, serial, do)


@form
def take_apart(request: HttpRequest, serial: str) -> HttpResponse:
    sent = request.POST

    def do(pack: Pack) -> None:
        services.take_apart(
            pack=pack,
            words=sent.get("words", ""),
            capacity_recipe=_recipe(sent.get("capacity_recipe")),
            balance_recipe=_recipe(sent.get("balance_recipe")),
            by=person(request),
            now=clock.now(),
        )

    return _act(request, serial, do)


def _months(typed: str) -> int | None:
    """Whole months; what is none is refused as -1 is."""
    whole = typed.isascii() and typed.isdigit() and len(typed) < 19
    return (int(typed) if whole else -1) if typed else None


def _recipe(typed: str | None) -> RecipeVersion | None:
    return RecipeVersion.objects.filter(pk=number(typed)).first()


def _act(request: HttpRequest, serial: str, do: Callable[[Pack], None]) -> HttpResponse:
    pack = row_or_404(Pack.objects.all(), f"There is no pack {serial}.", serial=serial)

    def done() -> str:
        do(pack)
        return reverse("pages:pack", args=[serial])

    return acted(done, otherwise=lambda refusal: pack_page(request, serial, refusal))
