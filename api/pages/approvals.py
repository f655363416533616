"""`/approvals`: a supervisor looks at each cell's evidence and approves what was seen (G1)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.idempotency import one_act
from api.pages.acts import acted, page_and_form, person
from api.reads.approvals import waiting
from api.refused import one_problem
from shop import clock
from shop.cells.queries import cells_by_serial
from shop.evidence.services.approvals import approve_cells
from shop.people.roles import Act, may
from shop.refusals import Refusal


@page_and_form
@one_act
def show(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)

    def do() -> str:
        serials = request.POST.getlist("cell")
        if not serials:
            raise one_problem("no_cell", "No cell was chosen.", "Tick the cells to approve.")
        approve_cells(
            cells=cells_by_serial(serials),
            evidence_sha256={s: request.POST.get(f"seen-{s}", "") for s in serials},
            by=person(request),
            now=clock.now(),
        )
        return f"{reverse('pages:approvals')}?approved={len(serials)}"

    return acted(do, otherwise=lambda refusal: _page(request, refusal))


def _page(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    by = person(request)
    cells = waiting(by, now=clock.now())
    context = {
        "here": "approvals",
        "refusal": refusal,
        "may_approve": may(by.role, Act.APPROVE),
        "cells": cells,
        "ready": [shown for shown in cells if not shown.problems],
        "approved": request.GET.get("approved"),
    }
    return render(request, "evidence/approvals.html", context)
