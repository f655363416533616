"""`/cell-types`: what the datasheets say that cells are held to (B1, F7)."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, page, person, row_or_404
from api.reads.typed import number_or_nan
from shop import clock
from shop.cells.cell_types import define_cell_type, say_more
from shop.cells.models import CellType
from shop.cells.rules import FIGURES, LATER_SAID, Figure
from shop.people.roles import Act, may
from shop.refusals import Refusal


@page
def show(request: HttpRequest) -> HttpResponse:
    return _page(request)


@form
def new(request: HttpRequest) -> HttpResponse:
    typed = request.POST

    def do() -> str:
        define_cell_type(
            maker=typed.get("maker", ""),
            model=typed.get("model", ""),
            datasheet=typed.get("datasheet", ""),
            figures=_figures(FIGURES, typed),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:cell-types")

    return acted(do, otherwise=lambda refusal: _page(request, refusal, typed))


@form
def more(request: HttpRequest, pk: int) -> HttpResponse:
    row = row_or_404(CellType.objects.all(), f"There is no cell type {pk}.", pk=pk)

    def do() -> str:
        figures = _figures(LATER_SAID, request.POST)
        say_more(cell_type=row, figures=figures, by=person(request), now=clock.now())
        return reverse("pages:cell-types")

    return acted(do, otherwise=lambda refusal: _page(request, refusal))


def _figures(asked: Iterable[Figure], typed: QueryDict) -> dict[str, float | None]:
    """What was typed; an empty field says nothing, and what is no number is NaN."""
    said = {figure.name: typed.get(figure.name, "").strip() for figure in asked}
    return {name: number_or_nan(text) if text else None for name, text in said.items()}


def _page(
    request: HttpRequest, refusal: Refusal | None = None, typed: QueryDict | None = None
) -> HttpResponse:
    rows = [
        (
            row,
            [(figure, getattr(row, figure.name)) for figure in FIGURES],
            [figure for figure in LATER_SAID if getattr(row, figure.name) is None],
        )
        for row in CellType.objects.all()
    ]
    fields = [
        (figure, typed.get(figure.name, "") if typed is not None else figure.default)
        for figure in FIGURES
    ]
    context = {
        "rows": rows,
        "fields": fields,
        "typed": typed or {},
        "may_define": may(person(request).role, Act.DEFINE),
        "refusal": refusal,
    }
    return render(request, "cells/types.html", context)
