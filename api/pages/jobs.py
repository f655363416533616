"""`/jobs/<id>`: what is to be done, the set-up, claim, release, start.  `/jobs/new`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.idempotency import one_act
from api.pages.acts import acted, form, number, page, page_and_form, person, row_or_404
from api.pages.scans import serials_typed
from api.pages.set_ups import set_up
from api.reads import board, leads
from api.reads.hours import volts_typed
from api.reads.schedules import moment_typed
from api.reads.starts import start_problems
from api.reads.watches import second_of_job
from api.refused import one_problem
from shop import clock
from shop.cells.models import Cell
from shop.cells.queries import cells_by_serial
from shop.equipment.models import Station
from shop.equipment.states import InstrumentRole
from shop.evidence.handling import over
from shop.evidence.parted import parted_cells
from shop.forecast.finishing import problems as unfinished_by
from shop.forecast.queries import Forecast, forecast, load_hours, stop_in
from shop.forecast.scheduling import scheduled, terms_of
from shop.jobs import queries
from shop.jobs.attending import unattended_problems
from shop.jobs.models import Job, JobCell, RecipeVersion
from shop.jobs.planning import driven_a, plan, target_of
from shop.jobs.procedures import procedure_of
from shop.jobs.rules import ordering
from shop.jobs.services import orders, starts
from shop.jobs.states import JobState
from shop.jobs.terms import Terms
from shop.jobs.unattended import QUOTE
from shop.refusals import Problem, Refusal


@page
def show(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


@page
def hours(request: HttpRequest, pk: int) -> HttpResponse:
    """Asked for once the page stands: working them out takes seconds."""
    job = row_or_404(board.jobs(), f"There is no job {pk}.", pk=pk)
    typed = request.GET.get("rested_v", "")
    context: dict[str, Any] = {"job": job, "typed": typed}
    try:
        rested_v = volts_typed(typed)
        context["forecast"] = job.station and forecast(job, job.station, rested_v)
        context |= _alone(job, context["forecast"], anew=bool(typed))
        ready_by = moment_typed(request.GET.get("ready_by", ""), request.GET.get("zone", ""))
        if ready_by and job.station and context["forecast"]:
            context["schedule"] = scheduled(
                job,
                job.station,
                ready_by=ready_by,
                attended="alone" not in request.GET,
                policy=queries.policy_numbers(),
                now=clock.now(),
                rested_v=rested_v,
            )
    except Refusal as refusal:
        context["refusal"] = refusal
    return render(request, "jobs/_hours.html", context)


@form
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    job = row_or_404(Job.objects.all(), f"There is no job {pk}.", pk=pk)
    here = reverse("pages:job", args=[pk])

    def do() -> str:
        station = Station.objects.filter(slug=request.POST.get("station", "")).first()
        if station is None:
            raise one_problem("no_station", "No station was chosen.", "Choose one, then claim.")
        orders.claim_job(job=job, station=station, by=person(request), now=clock.now())
        return here

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form
def release(request: HttpRequest, pk: int) -> HttpResponse:
    job = row_or_404(Job.objects.all(), f"There is no job {pk}.", pk=pk)

    def do() -> str:
        orders.release_job(job=job, by=person(request), now=clock.now())
        return reverse("pages:job", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    job = row_or_404(Job.objects.all(), f"There is no job {pk}.", pk=pk)

    def do() -> str:
        words = request.POST.get("words", "")
        orders.cancel_job(job=job, words=words, by=person(request), now=clock.now())
        return reverse("pages:job", args=[pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


@form
def start(request: HttpRequest, pk: int) -> HttpResponse:
    job = row_or_404(Job.objects.all(), f"There is no job {pk}.", pk=pk)

    def do() -> str:
        if len(set(request.POST.getlist("set_up"))) < len(set_up(job)):
            raise one_problem(
                "set_up", "The set-up is not confirmed.", "Tick each line once it is true."
            )
        now = clock.now()
        terms = _terms(request, job, now)
        rested_v = volts_typed(request.POST.get("rested_v", ""))
        run = starts.start_run(job=job, by=person(request), now=now, terms=terms, rested_v=rested_v)
        return reverse("pages:run", args=[run.pk])

    return acted(do, otherwise=lambda refusal: _page(request, pk, refusal))


def _terms(request: HttpRequest, job: Job, now: datetime) -> Terms:
    """Who stays, and when it begins: now unless a moment was typed."""
    asked, zone = request.POST, request.POST.get("zone", "")
    return terms_of(
        job,
        attended=asked.get("attended", "yes") == "yes",
        not_before=moment_typed(asked.get("not_before", ""), zone),
        ready_by=moment_typed(asked.get("ready_by", ""), zone),
        rested_v=volts_typed(asked.get("rested_v", "")),
        policy=queries.policy_numbers(),
        now=now,
    )


@page_and_form
@one_act
def new(request: HttpRequest) -> HttpResponse:
    """Choose a recipe, scan the cells in bank order."""
    if request.method != "POST":
        return _new_page(request)

    def do() -> str:
        version = RecipeVersion.objects.filter(pk=number(request.POST.get("recipe"))).first()
        if version is None:
            raise one_problem("no_recipe", "No recipe was chosen.", "Choose one.")
        cells = cells_by_serial(_serials(request))
        job = orders.create_job(
            recipe_version=version, cells=cells, by=person(request), now=clock.now()
        )
        return reverse("pages:job", args=[job.pk])

    return acted(do, otherwise=lambda refusal: _new_page(request, refusal))


def _serials(request: HttpRequest) -> list[str]:
    return serials_typed(request.POST.get("cells", "")) + request.POST.getlist("cell")


def _new_page(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    offered = RecipeVersion.objects.filter(retirement=None)
    recipes = offered.select_related("recipe").order_by("recipe", "-version")
    meant = JobCell.objects.exclude(job__state=JobState.CANCELLED).filter(cell=OuterRef("pk"))
    context = {
        "refusal": refusal,
        "recipes": recipes,
        "free": Cell.objects.filter(~Exists(meant)).select_related("batch")[:64],
        # What a finding of the gate proposes comes in the address.
        "typed": request.POST.get("cells", request.GET.get("cell", "")),
        "chosen": number(request.POST.get("recipe")) or _proposed(request, recipes),
        "ticked": request.POST.getlist("cell"),
    }
    return render(request, "jobs/new.html", context)


def _proposed(request: HttpRequest, recipes: Iterable[RecipeVersion]) -> int:
    """The newest recipe of the procedure in the address, to the target of the cell's balance."""
    asked = request.GET.get("procedure", "")
    cells = Cell.objects.filter(serial=request.GET.get("cell", ""))
    targets = {parted.target_v for parted in parted_cells(cells).values()}
    fitting = (v.pk for v in recipes if v.procedure == asked and target_of(v) in targets)
    return next(fitting, 0)


def _page(request: HttpRequest, pk: int, refusal: Refusal | None = None) -> HttpResponse:
    job = row_or_404(
        board.jobs_told().prefetch_related("station__instruments"), f"There is no job {pk}.", pk=pk
    )
    cells = [row.cell for row in job.job_cells.select_related("cell__batch__cell_type")]
    context: dict[str, Any] = {"job": job, "cells": cells, "refusal": refusal}
    context["cannot_cancel"] = orders.cancel_problems(job, by=person(request))
    context |= _plan_shown(job) | {"set_up": set_up(job), "second": second_of_job(job)}
    last = next(iter(job.runs.all()), None)
    context["is_early"] = last is not None and bool(last.terms.waits(clock.now()))
    context["cancelled"] = board.cancellation_of(job)
    if job.state == JobState.OPEN:
        stations = Station.objects.filter(retirement=None).prefetch_related("instruments")
        fit = [(s, _claim_problems(job, s)) for s in stations]
        context["stations"] = sorted(fit, key=lambda shown: bool(shown[1]))  # who can, first
    if job.state == JobState.CLAIMED:
        context["in_the_way"] = start_problems(job, by=person(request), now=clock.now())
    return render(request, "jobs/job.html", context)


def _plan_shown(job: Job) -> dict[str, Any]:
    """The plan at the job's station; nothing before it is claimed, nor once it is over."""
    if job.station is None or job.state in (JobState.DONE, JobState.CANCELLED):
        return {}
    try:
        planned = plan(job, job.station)
        recipe = procedure_of(job.kind).recipe.recipe_of(job.recipe_version.parameters)
    except Refusal as refusal:
        return {"plan_refused": refusal}
    supply = next(i for i in job.station.instruments.all() if i.role == InstrumentRole.SUPPLY)
    return {
        "plan": planned,
        "basis": getattr(recipe, "tail_basis", ""),
        "supply": supply,
        "load_hours": load_hours(job, planned.program),
        "drives": planned.program.presence is not None,
        "attended_only": _attended_only(job, job.station),
        "never_alone": QUOTE,
        "driven_a": driven_a(planned.program),
        "leads": leads.at(job.station),
        "worn": _worn(job, planned.handlings),
    }


def _worn(job: Job, more: int) -> list[str]:
    """Serials of the cells whose nuts this run would turn more often than they should be (F7)."""
    cells = {row.cell_id: row.cell.serial for row in job.job_cells.all()}
    found = over(cells, more=more, most=queries.policy_numbers().nut_handlings_max)
    return [cells[cell] for cell in found]


def _attended_only(job: Job, station: Station) -> list[Problem]:
    """Why nobody may leave a run of this job alone, as far as the shop knows (F4)."""
    policy = queries.policy_numbers()
    program = plan(job, station, attended=False, policy=policy).program
    return unattended_problems(job, station, program, policy=policy, now=clock.now())


def _alone(job: Job, found: Forecast | None, *, anew: bool) -> dict[str, Any]:
    """Whether the choice to leave the job alone stands, where its hours say otherwise or were
    worked out `anew`; else the page's own stays as it was chosen."""
    unfinished = unfinished_by(stop_in(job, found), "left alone")
    if job.station is None or not (unfinished or (found and anew)):
        return {}
    known = {"unfinished": unfinished, "attended_only": _attended_only(job, job.station)}
    return known | {"judged_alone": True}


def _claim_problems(job: Job, station: Station) -> list[Problem]:
    roles = [instrument.role for instrument in station.instruments.all()]
    return ordering.claim_problems(
        state=job.state,
        station=station.slug,
        roles=roles,
        instruments_needed=procedure_of(job.kind).needs_at(roles),
        one_of=procedure_of(job.kind).needs_one_of,
    )
