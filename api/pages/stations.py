"""`/stations`: the benches, what lies at each, and the acts that set one up (F1)."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, page, person, row_or_404
from api.reads import board, equipment, leads
from api.reads.identified import BYTES_MAX as IDENTIFIED_MAX
from api.reads.identified import named_in_file
from api.reads.typed import day
from shop import clock
from shop.equipment.instruments import register_instruments, take_off
from shop.equipment.models import Instrument, Station
from shop.equipment.queries import certificates_of_newest
from shop.equipment.retiring import rename_station, retire_station
from shop.equipment.rules.registering import Named
from shop.equipment.services import (
    record_calibration,
    record_commissioning,
    register_station,
)
from shop.equipment.states import UNWIRED
from shop.people.roles import Act, may
from shop.refusals import Refusal
from stations.commissioning.report import BYTES_MAX

ROWS = Instrument.objects.select_related("station")


@page
def index(request: HttpRequest) -> HttpResponse:
    return _index(request)


@page
def show(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, slug)


@form
def new(request: HttpRequest) -> HttpResponse:
    typed = request.POST

    def do() -> str:
        made = register_station(
            slug=typed.get("slug", ""),
            name=typed.get("name", ""),
            host=typed.get("host", ""),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:station", args=[made.slug])

    return acted(do, otherwise=lambda refusal: _index(request, refusal))


@form
def register(request: HttpRequest, slug: str) -> HttpResponse:
    station, typed = _station(slug), request.POST
    role, _, driver = typed.get("kind", "").partition(" ")
    named = Named(role, driver, typed.get("serial_number", ""), typed.get("model", ""))

    def do() -> str:
        register_instruments(station=station, named=[named], by=person(request), now=clock.now())
        return reverse("pages:station", args=[slug])

    return acted(do, otherwise=lambda refusal: _page(request, slug, refusal))


@form
def identified(request: HttpRequest, slug: str) -> HttpResponse:
    """The file that `python -m stations identify --json` printed at the bench: whole or not."""
    station = _station(slug)
    file = request.FILES.get("identified")

    def do() -> str:
        named = named_in_file(file.read(IDENTIFIED_MAX + 1) if file else b"")
        register_instruments(station=station, named=named, by=person(request), now=clock.now())
        return reverse("pages:station", args=[slug])

    return acted(do, otherwise=lambda refusal: _page(request, slug, refusal))


@form
def calibrate(request: HttpRequest, pk: int) -> HttpResponse:
    instrument, typed = _instrument(pk), request.POST

    def do() -> str:
        record_calibration(
            instrument=instrument,
            valid_from=day(typed.get("valid_from", "")),
            valid_until=_end_of(day(typed.get("valid_until", ""))),
            certificate=typed.get("certificate", ""),
            by=person(request),
            now=clock.now(),
        )
        return _where(instrument)

    return acted(do, otherwise=lambda refusal: _around(request, instrument, refusal))


@form
def commission(request: HttpRequest, slug: str) -> HttpResponse:
    """The file that `python -m stations check` wrote at the bench."""
    station = _station(slug)
    file = request.FILES.get("report")

    def do() -> str:
        document = file.read(BYTES_MAX + 1) if file else b""
        record_commissioning(
            station=station, document=document, by=person(request), now=clock.now()
        )
        return reverse("pages:station", args=[slug])

    return acted(do, otherwise=lambda refusal: _page(request, slug, refusal))


@form
def rename(request: HttpRequest, slug: str) -> HttpResponse:
    station = _station(slug)

    def do() -> str:
        name = request.POST.get("name", "")
        rename_station(station=station, name=name, by=person(request), now=clock.now())
        return reverse("pages:station", args=[slug])

    return acted(do, otherwise=lambda refusal: _page(request, slug, refusal))


@form
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    station = _station(slug)

    def do() -> str:
        retire_station(
            station=station,
            words=request.POST.get("words", ""),
            by=person(request),
            now=clock.now(),
            seen_off="seen_off" in request.POST,
        )
        return reverse("pages:station", args=[slug])

    return acted(do, otherwise=lambda refusal: _page(request, slug, refusal))


@form
def take_away(request: HttpRequest, pk: int) -> HttpResponse:
    instrument = _instrument(pk)
    back = _where(instrument)

    def do() -> str:
        words = request.POST.get("words", "")
        take_off(instrument=instrument, words=words, by=person(request), now=clock.now())
        return back

    return acted(do, otherwise=lambda refusal: _around(request, instrument, refusal))


def _end_of(whole: datetime) -> datetime:
    """A certificate that is valid until a day is valid on it."""
    return whole.replace(hour=23, minute=59, second=59)


def _station(slug: str) -> Station:
    return row_or_404(Station.objects.all(), f"There is no station {slug!r}.", slug=slug)


def _instrument(pk: int) -> Instrument:
    return row_or_404(ROWS, f"There is no instrument {pk}.", pk=pk)


def _where(instrument: Instrument) -> str:
    station = instrument.station
    return reverse("pages:station", args=[station.slug]) if station else reverse("pages:stations")


def _around(request: HttpRequest, instrument: Instrument, refusal: Refusal) -> HttpResponse:
    """The page on which the instrument stands, with what was typed beside it."""
    if instrument.station is None:
        return _index(request, refusal, typed_at=instrument.pk)
    return _page(request, instrument.station.slug, refusal, typed_at=instrument.pk)


def _index(
    request: HttpRequest, refusal: Refusal | None = None, *, typed_at: int = 0
) -> HttpResponse:
    now = clock.now()
    rows = equipment.shown(equipment.instruments(), now=now)
    context = {
        "stations": [
            (shown, [one for one in rows if one.instrument.station_id == shown.station.pk])
            for shown in board.stations(now=now)
        ],
        "spare": [one for one in rows if one.instrument.station_id is None],
        "retired": Station.objects.exclude(retirement=None).select_related("retirement"),
        **_common(request, refusal, typed_at),
    }
    return render(request, "stations/index.html", context)


def _page(
    request: HttpRequest, slug: str, refusal: Refusal | None = None, *, typed_at: int = 0
) -> HttpResponse:
    now = clock.now()
    found = board.stations(now=now, slug=slug)
    if not found:
        raise Http404(f"There is no station {slug!r}.")
    (shown,) = found
    rows = equipment.shown(equipment.instruments().filter(station=shown.station), now=now)
    doing = equipment.doing(shown.station)
    taken = {one.instrument.role for one in rows}
    spare = equipment.instruments().filter(station=None).exclude(role__in=taken)
    context = {
        "shown": shown,
        "instruments": rows,
        "lacks": equipment.station_problems(shown.station),
        "can": [one for one in doing if not one.lacks],
        "cannot": [one for one in doing if one.lacks],
        "leads": leads.at(shown.station),
        "certified": certificates_of_newest(shown.station),
        "kinds": equipment.kinds(taken),
        "by_hand": sorted(UNWIRED - taken),
        "spare": equipment.shown(spare, now=now),
        **_common(request, refusal, typed_at),
    }
    return render(request, "stations/station.html", context)


def _common(request: HttpRequest, refusal: Refusal | None, typed_at: int) -> dict[str, object]:
    """`typed_at` is the instrument beside which the refused form stands, 0 for the page's own."""
    return {
        "may_define": may(person(request).role, Act.DEFINE),
        "refusal": refusal,
        "typed": request.POST if refusal else {},
        "files": request.FILES if refusal else {},
        "typed_at": typed_at,
    }
