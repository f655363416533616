"""`/cells/<serial>`: what a cell is and what it may do next.  `/batches/<code>`: its delivery."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, number, page, person, row_or_404
from api.reads.cells import standing
from api.reads.shelf import lying
from api.reads.taken_back import record_named, standing_records, taken_back
from api.reads.watches import watch_of_cell
from api.refused import one_problem
from shop import clock
from shop.cells.models import Batch, Cell
from shop.cells.studs import fit_studs
from shop.evidence.models import CapacityTest
from shop.evidence.queries import evidence_of
from shop.evidence.resistances import withdrawn_under
from shop.evidence.rules.capacity_file import BYTES_MAX, KNOWN
from shop.evidence.services.capacity import import_capacity_file
from shop.evidence.taking_back import supersede as supersede_record
from shop.jobs.queries import policy_numbers
from shop.people.roles import Act, may
from shop.refusals import Refusal


@page
def show(request: HttpRequest, serial: str) -> HttpResponse:
    return _cell_page(request, serial)


@form
def supersede(request: HttpRequest, serial: str) -> HttpResponse:
    """Take back one record that counts for this cell, and for all its other cells."""

    def do() -> str:
        kind, _, pk = request.POST.get("record", "").partition(":")
        record = record_named(kind, number(pk))
        if record is None:
            raise one_problem("no_record", "No record was chosen.", "Choose what does not count.")
        words = request.POST.get("words", "")
        supersede_record(record=record, words=words, by=person(request), now=clock.now())
        return reverse("pages:cell", args=[serial])

    return acted(do, otherwise=lambda refusal: _cell_page(request, serial, refusal))


@form
def studs(request: HttpRequest, serial: str) -> HttpResponse:
    """Record that studs were fitted: once in a cell's life."""
    cell = row_or_404(Cell.objects.all(), f"No cell has the serial {serial}.", serial=serial)

    def do() -> str:
        fit_studs(
            cell=cell,
            thread_locker=request.POST.get("thread_locker", ""),
            words=request.POST.get("words", ""),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:cell", args=[serial])

    return acted(do, otherwise=lambda refusal: _cell_page(request, serial, refusal))


def _cell_page(request: HttpRequest, serial: str, refusal: Refusal | None = None) -> HttpResponse:
    cells = Cell.objects.select_related("batch__cell_type")
    cell = row_or_404(cells, f"No cell has the serial {serial}.", serial=serial)
    voltages = cell.voltages.select_related("voltage_check__meter").order_by("-pk")[:12]
    evidence = evidence_of(cell)
    resistances = list(cell.resistance_tests.order_by("-tested_at")[:6])
    context = {
        "cell": cell,
        "evidence": evidence,
        "standing": standing(evidence, now=clock.now()),
        "voltages": voltages,
        "watch": watch_of_cell(cell),
        "resistances": resistances,
        "withdrawn": withdrawn_under(resistances),
        "approvals": cell.approvals.select_related("approved_by").order_by("-at"),
        "jobs": cell.jobs.order_by("-pk"),
        "refusal": refusal,
        "nuts_turned": evidence.nut_handlings,
        "nuts_most": policy_numbers().nut_handlings_max,
        "lying": lying([cell.serial])[0],
        "places": cell.shelf_places.select_related("by")[:12],
        "studs": cell.stud_fittings.select_related("by"),
        "taken_back": taken_back(evidence),
        "standing_records": standing_records(evidence),
        "may_supersede": may(person(request).role, Act.SUPERSEDE),
    }
    return render(request, "cells/cell.html", context)


@page
def batch(request: HttpRequest, code: str) -> HttpResponse:
    return _batch_page(request, code)


@form
def import_capacity(request: HttpRequest, code: str) -> HttpResponse:
    """All rows of the file or none; refused with every row that does not fit."""

    def do() -> str:
        upload = request.FILES.get("file")
        if upload is None:
            raise one_problem("no_file", "No file was chosen.", "Choose the tester's CSV file.")
        data = upload.read(BYTES_MAX + 1)  # one more byte is refused, the rest is never read
        tests = import_capacity_file(
            name=upload.name or "", data=data, by=person(request), now=clock.now()
        )
        return f"{reverse('pages:batch', args=[code])}?imported={len(tests)}"

    return acted(do, otherwise=lambda refusal: _batch_page(request, code, refusal))


def _batch_page(request: HttpRequest, code: str, refusal: Refusal | None = None) -> HttpResponse:
    batches = Batch.objects.select_related("cell_type")
    delivery = row_or_404(batches, f"No batch has the code {code}.", code=code)
    newest = CapacityTest.objects.filter(cell=OuterRef("pk")).order_by("-tested_at", "-pk")
    cells = delivery.cells.annotate(
        capacity_ah=Subquery(newest.values("capacity_ah")[:1]),
        tested_at=Subquery(newest.values("tested_at")[:1]),
    )
    context = {
        "batch": delivery,
        "cells": cells,
        "tested": sum(cell.capacity_ah is not None for cell in cells),
        "columns": KNOWN,
        "imported": request.GET.get("imported"),
        "refusal": refusal,
    }
    return render(request, "cells/batch.html", context)
