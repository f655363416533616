"""`/shelf`: balanced cells that are in no pack, by what expires next, and where they lie (B8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, number, page, person
from api.pages.scans import serials_typed
from api.reads.shelf import Lying, shelf_now
from api.reads.typed import number_or_nan
from shop import clock
from shop.cells.models import Cell
from shop.jobs.queries import policy_numbers
from shop.refusals import Refusal
from shop.shelf.places import place_cells
from shop.shelf.rules import Shelved, State

BADGES = {
    State.FRESH: ("pass", "Fresh"),
    State.DUE: ("waiting", "Re-check due"),
    State.OVERDUE: ("missing", "Overdue"),
    State.ASIDE: ("fail", "Put aside"),
    State.UNKNOWN: ("missing", "No time known"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One cell with its badge, and the bar of its countdown."""

    cell: Shelved
    lying: Lying
    left_s: float
    whole_s: float

    @property
    def badge(self) -> tuple[str, str]:
        return BADGES[self.cell.state]


@page
def show(request: HttpRequest) -> HttpResponse:
    policy = policy_numbers()
    context = {
        "here": "shelf",
        "lines": _lines(clock.now(), policy.fresh_s),
        "cool_c": policy.shelf_max_degc,
    }
    return render(request, "shelf/shelf.html", context)


def _lines(now: datetime, whole_s: float) -> list[Line]:
    return [Line(cell, lying, cell.left_s(now), whole_s) for cell, lying in shelf_now(now=now)]


@page
def places(request: HttpRequest) -> HttpResponse:
    """Scan the cells that lie on a shelf, at the end of a check or whenever they move."""
    return _places_page(request)


@form
def place(request: HttpRequest) -> HttpResponse:
    typed = request.POST
    warm = typed.get("temperature_c", "").strip()

    def do() -> str:
        place_cells(
            serials=_serials(request),
            shelf=typed.get("shelf", ""),
            unlinked="unlinked" in typed,
            covered="covered" in typed,
            temperature_c=number_or_nan(warm) if warm else None,
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:shelf")

    return acted(do, otherwise=lambda refusal: _places_page(request, refusal))


def _serials(request: HttpRequest) -> list[str]:
    return serials_typed(request.POST.get("cells", "")) + request.POST.getlist("cell")


def _places_page(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    """With `?run=` its cells are offered to tick, else those on the shelf without a place."""
    run = number(request.GET.get("run") or request.POST.get("run"))
    if run:
        rows = Cell.objects.filter(run_cells__run=run).order_by("run_cells__position")
        offered = list(rows.values_list("serial", flat=True))
    else:
        offered = [cell.serial for cell, lying in shelf_now(now=clock.now()) if lying.unsaid]
    context = {
        "here": "shelf",
        "run": run,
        "offered": offered,
        "ticked": request.POST.getlist("cell"),
        "typed": request.POST,
        "cool_c": policy_numbers().shelf_max_degc,
        "refusal": refusal,
    }
    return render(request, "shelf/place.html", context)
