"""`/packs/new`: choose, check, assemble.  `/packs/<serial>`: what it is, links to share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import segno
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.idempotency import (
    SEE_OTHER,
    AlreadyDone,
    around,
    asked_by_form,
    key_of_form,
    redone,
)
from api.pages.acts import (
    acted,
    form,
    form_as_sent,
    number,
    page,
    page_and_form,
    person,
    row_or_404,
)
from api.pages.scans import serials_typed
from api.reads.cells import AT_MOST
from api.reads.findings import said_once
from api.reads.packs import pack_shown, public_url
from api.refused import one_problem, status_of
from shop import clock
from shop.cells.models import Cell
from shop.cells.queries import cells_by_serial
from shop.jobs.procedures import PROCEDURES
from shop.jobs.queries import newest_of
from shop.packs.findings import Finding
from shop.packs.models import PackDesign
from shop.packs.queries import unpacked_with_balance
from shop.packs.rules import is_allowed
from shop.packs.services import GateRefusal, assemble_pack, check_plan
from shop.people.models import Customer
from shop.people.roles import Act, may
from shop.refusals import Refusal
from shop.trace import services as trace


@dataclass(frozen=True)
class Wish:
    """What was chosen on the form so far."""

    design: PackDesign | None
    customer: Customer | None
    serial: str
    serials: list[str]
    simulated: bool
    sample: bool

    @classmethod
    def of(cls, sent: Any) -> Wish:
        return cls(
            design=PackDesign.objects.filter(pk=number(sent.get("design"))).first(),
            customer=Customer.objects.filter(pk=number(sent.get("customer"))).first(),
            serial=sent.get("serial", "").strip(),
            serials=serials_typed(sent.get("cells", "")) + sent.getlist("cell"),
            simulated="simulated" in sent,
            sample="sample" in sent,
        )

    def chosen(self) -> tuple[PackDesign, list[Cell]]:
        """Design and cells; raises Refusal for what is missing or unknown."""
        if self.design is None:
            raise one_problem("no_design", "No design was chosen.", "Choose one.")
        if not self.serials:
            raise one_problem("no_cells", "No cell was chosen.", "Scan or tick the cells.")
        return self.design, cells_by_serial(self.serials)


@page_and_form
def new(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _new_page(request, Wish.of(request.GET))
    wish = Wish.of(request.POST)
    if request.POST.get("act") == "assemble":
        return _assemble(request, wish)
    return _check(request, wish)


def _check(request: HttpRequest, wish: Wish) -> HttpResponse:
    try:
        found = _findings(request, wish)
    except Refusal as refusal:
        response = _new_page(request, wish, refusal)
        response.status_code = status_of(refusal)
        return response
    return _new_page(request, wish, found=found)


def _findings(request: HttpRequest, wish: Wish) -> list[Finding]:
    design, cells = wish.chosen()
    return check_plan(
        design=design,
        cells=cells,
        by=person(request),
        simulated=wish.simulated,
        sample=wish.sample,
        now=clock.now(),
    )


def _assemble(request: HttpRequest, wish: Wish) -> HttpResponse:
    asked = asked_by_form(request)

    def do() -> str:
        design, cells = wish.chosen()
        if not wish.serial:
            raise one_problem("no_serial", "The pack has no serial.", "Scan or type its label.")
        then = reverse("pages:pack", args=[wish.serial])
        assemble_pack(
            serial=wish.serial,
            design=design,
            cells=cells,
            customer=wish.customer,
            by=person(request),
            simulated=wish.simulated,
            sample=wish.sample,
            now=clock.now(),
            around=lambda: around(asked, lambda: (SEE_OTHER, then)),
        )
        return then

    try:
        return acted(do, otherwise=lambda refusal: _refused(request, wish, refusal))
    except AlreadyDone as done:
        return redone(done.row)


def _refused(request: HttpRequest, wish: Wish, refusal: Refusal) -> HttpResponse:
    """The gate's refusal is shown as its findings, any other in its own words."""
    if isinstance(refusal, GateRefusal):
        return _new_page(request, wish, found=refusal.findings)
    return _new_page(request, wish, refusal)


def _new_page(
    request: HttpRequest,
    wish: Wish,
    refusal: Refusal | None = None,
    found: list[Finding] | None = None,
) -> HttpResponse:
    blocking = [finding for finding in found or [] if finding.blocks]
    context = {
        "here": "packs",
        "refusal": refusal,
        "wish": wish,
        "found": found,
        "allowed": found is not None and is_allowed(found),
        "blocked": len(blocking),
        "blocking": said_once(blocking, _batches(blocking)),
        "met": [f for f in found or [] if not f.blocks],
        "designs": PackDesign.objects.order_by("name"),
        "customers": Customer.objects.all(),
        "free": unpacked_with_balance()[:AT_MOST],
    }
    return render(request, "packs/new.html", context)


def _batches(findings: Sequence[Finding]) -> dict[str, str]:
    """The batch of each cell that a finding is about."""
    cells = Cell.objects.filter(serial__in=[finding.cell for finding in findings])
    return dict(cells.values_list("serial", "batch__code"))


@page
def show(request: HttpRequest, serial: str) -> HttpResponse:
    return pack_page(request, serial)


@form_as_sent
def share(request: HttpRequest, serial: str) -> HttpResponse:
    """The secret is shown once, on the answer itself: nobody stores it."""
    shown = pack_shown(serial)
    if shown is None:
        raise Http404(f"There is no pack {serial}.")
    try:
        secret = trace.share(
            pack=shown.pack, by=person(request), now=clock.now(), key=key_of_form(request)
        )
    except Refusal as refusal:
        response = pack_page(request, serial, refusal)
        response.status_code = status_of(refusal)
        return response
    return pack_page(request, serial, url=public_url(request, secret))


@form
def revoke(request: HttpRequest, serial: str, pk: int) -> HttpResponse:
    shown = pack_shown(serial)
    if shown is None:
        raise Http404(f"There is no pack {serial}.")
    link = row_or_404(shown.pack.trace_links.all(), f"This pack has no link {pk}.", pk=pk)

    def do() -> str:
        trace.revoke(link=link, by=person(request), now=clock.now())
        return reverse("pages:pack", args=[serial])

    return acted(do, otherwise=lambda refusal: pack_page(request, serial, refusal))


def pack_page(
    request: HttpRequest, serial: str, refusal: Refusal | None = None, url: str = ""
) -> HttpResponse:
    shown = pack_shown(serial)
    if shown is None:
        raise Http404(f"There is no pack {serial}.")
    code = segno.make(url).svg_inline(scale=5, border=2, dark="#000", light="#fff") if url else ""
    role = person(request).role
    context = {
        "shown": shown,
        "typed": request.POST,
        "now": clock.now(),
        "capacity_recipes": newest_of(
            p for p, known in PROCEDURES.items() if known.measures == "capacity"
        ),
        "recovery_recipes": newest_of(p for p, known in PROCEDURES.items() if known.on_pack),
        "balance_recipes": newest_of(p for p, known in PROCEDURES.items() if known.method),
        "may_take_apart": may(role, Act.TAKE_APART),
        "may_skip": may(role, Act.SKIP_BALANCE),
        "refusal": refusal,
        "url": url,
        "code": code,
        "may_revoke": may(role, Act.REVOKE_TRACE),
    }
    return render(request, "packs/pack.html", context)
