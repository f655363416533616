"""`/runs/<id>`: watch, confirm, finish, stop."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.pages.acts import acted, form, form_as_sent, page, person, row_or_404
from api.reads import runs
from api.reads.runs import RunShown
from api.reads.typed import decimal
from shop import clock
from shop.forecast.queries import outlook_of
from shop.jobs import by_hand, giving_up, scanning
from shop.jobs.models import Run
from shop.jobs.presence import confirm_presence
from shop.jobs.services import acts
from shop.people.roles import Act, may
from shop.refusals import Refusal

NOTHING_NEW = 204  # the browser leaves what is shown alone


@page
def show(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


@page
def figures(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that changes every second."""
    return render(request, "runs/_figures.html", {"shown": _shown(pk)})


@page
def left(request: HttpRequest, pk: int) -> HttpResponse:
    """How long the charge still takes; seldom, for it is worked out anew from all readings."""
    return render(request, "runs/_left.html", {"outlook": outlook_of(_run(runs.runs(), pk))})


@page
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """What a person is asked for, with steps and checks; empty while the browser shows it already.

    A button must not be replaced under a finger that is on its way to it.
    """
    shown = _shown(pk)
    if request.GET.get("shown") == shown.version:
        return HttpResponse(status=NOTHING_NEW)
    if shown.run.is_over:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "runs/_ask.html", {"shown": shown, "oob": True})


@form_as_sent
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(Run.objects.all(), pk)

    def do() -> str:
        typed = request.POST.get("answer", "")
        acts.confirm_step(
            run=run,
            step=request.POST.get("step", ""),
            by=person(request),
            now=clock.now(),
            answer=decimal(typed, "a number") if typed.strip() else None,
        )
        return reverse("pages:run", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """One cell at a time, as a person with gloves goes from post to post."""
    run, typed = _run(Run.objects.all(), pk), request.POST

    def do() -> str:
        by_hand.read_cell(
            run=run,
            volts=typed.get("volts", ""),
            cell=typed.get("cell", ""),
            place=typed.get("place", ""),
            first=typed.get("first", ""),
            corrects=bool(typed.get("corrects")),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:run", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form
def scan(request: HttpRequest, pk: int) -> HttpResponse:
    """The cell that the bench meter's probes are on."""
    run, typed = _run(Run.objects.all(), pk), request.POST

    def do() -> str:
        scanning.scan_cell(
            run=run,
            cell=typed.get("cell", ""),
            corrects=bool(typed.get("corrects")),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:run", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form_as_sent
def presence(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody is at the bench; said as often as they like."""
    run = _run(Run.objects.all(), pk)

    def do() -> str:
        confirm_presence(run=run, by=person(request), now=clock.now())
        return reverse("pages:run", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form_as_sent
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Never asks back, never refused for rank."""
    run = _run(Run.objects.all(), pk)

    def do() -> str:
        acts.request_stop(run=run, by=person(request), now=clock.now())
        return reverse("pages:run", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form
def give_up(request: HttpRequest, pk: int) -> HttpResponse:
    """A supervisor's word instead of a bench that is lost."""
    run = _run(Run.objects.all(), pk)

    def do() -> str:
        giving_up.give_up(
            run=run,
            confirmed=request.POST.getlist("confirmed"),
            words=request.POST.get("words", ""),
            by=person(request),
            now=clock.now(),
        )
        return reverse("pages:run", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


def _run(rows: QuerySet[Run], pk: int) -> Run:
    return row_or_404(rows, f"There is no run {pk}.", pk=pk)


def _shown(pk: int) -> RunShown:
    return runs.shown(_run(runs.runs(), pk), now=clock.now())


def _asked_again(request: HttpRequest, refusal: Refusal | None) -> dict[str, Any]:
    """What was typed when a second measurement is asked for, or a slip named."""
    codes = {problem.code for problem in refusal.problems} if refusal else set()
    place = request.POST.get("place", "")
    which: dict[str, Any] = {name: request.POST.get(name, "") for name in ("cell", "corrects")}
    which["place"] = int(place) if re.fullmatch("[0-9]{1,3}", place) else ""
    volts = request.POST.get("volts", "")
    if "measure_again" in codes:
        return which | {"first": volts}
    return which | {"volts": volts} if codes & {"implausible", "no_figure"} else {}


def _lost(request: HttpRequest, shown: RunShown) -> dict[str, Any]:
    """What is asked of whoever would give an interrupted run up; {} where it goes on by itself."""
    if not shown.is_interrupted or (shown.output_is_off and shown.run.journal_closed_at):
        return {}
    return {
        "lost": giving_up.lost_problems(shown.run, now=clock.now()),
        "confirmations": giving_up.CONFIRMATIONS.items(),
        "may_give_up": may(person(request).role, Act.GIVE_UP),
    }


def _page(request: HttpRequest, pk: int, refusal: Refusal | None = None) -> HttpResponse:
    shown = _shown(pk)
    context = {
        "outlook": outlook_of(shown.run) if shown.run.is_over else None,
        "shown": shown,
        "run": shown.run,
        "refusal": refusal,
        "typed": _asked_again(request, refusal),
        "keeps_coming": runs.is_worth_polling(shown.run),
        **_lost(request, shown),
        "events": shown.run.events.select_related("by").order_by("-id")[:30],
    }
    return render(request, "runs/run.html", context)
