"""`jobs`: orders for work; create, claim, release, cancel, start."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads import board, runs
from api.reads.hours import interval_shape, volts_typed
from api.reads.schedules import moment_typed, schedule_shape
from api.reads.starts import in_the_way
from api.refused import one_problem
from api.rest.runs import brief, run_shape
from api.rest.views import CELLS_MAX, ShopView, person, sent
from shop import clock
from shop.cells.queries import cells_by_serial
from shop.equipment.models import Station
from shop.forecast.queries import Forecast, forecast, load_hours
from shop.forecast.scheduling import scheduled, terms_of
from shop.jobs.models import Job, JobEvent, RecipeVersion
from shop.jobs.planning import plan
from shop.jobs.queries import policy_numbers
from shop.jobs.services import orders, starts
from shop.refusals import Refusal

NEWEST = 100


class NewJob(serializers.Serializer[Any]):
    recipe_version = serializers.IntegerField()
    cells = serializers.ListField(
        child=serializers.CharField(max_length=60), allow_empty=False, max_length=CELLS_MAX
    )


class Claim(serializers.Serializer[Any]):
    station = serializers.CharField()


class Cancel(serializers.Serializer[Any]):
    words = serializers.CharField(allow_blank=True, max_length=5000)


class Start(serializers.Serializer[Any]):
    confirmed = serializers.BooleanField()
    attended = serializers.BooleanField(default=True)
    not_before = serializers.DateTimeField(default=None)
    ready_by = serializers.DateTimeField(default=None)
    rested_v = serializers.FloatField(default=None)


class JobsView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"jobs": [job_shape(job) for job in board.jobs_told()[:NEWEST]]})

    @idempotent
    def post(self, request: Request) -> Response:
        wanted = sent(NewJob, request)
        version = RecipeVersion.objects.filter(pk=wanted["recipe_version"]).first()
        if version is None:
            raise Http404(f"There is no recipe version {wanted['recipe_version']}.")
        job = orders.create_job(
            recipe_version=version,
            cells=cells_by_serial(wanted["cells"]),
            by=person(request),
            now=clock.now(),
        )
        return Response(job_shape(_job(job.pk)), status=201)


class JobView(ShopView):
    def get(self, request: Request, pk: int) -> Response:
        job = _job(pk)
        reasons = in_the_way(job, by=person(request), now=clock.now())
        more = {
            "runs": [brief(run) for run in job.runs.all()],
            "plan": _plan_shape(job),
            "in_the_way": [asdict(problem) for problem in reasons],
        }
        return Response(job_shape(job) | more)


class HoursView(ShopView):
    def get(self, request: Request, pk: int) -> Response:
        job = _job(pk)
        if job.station is None:
            raise one_problem("not_claimed", f"Job {pk} is at no station.", "Claim it first.")
        rested_v = volts_typed(request.query_params.get("rested_v", ""))
        found = forecast(job, job.station, rested_v)
        return Response(found and _hours_shape(found))


class ScheduleView(ShopView):
    def get(self, request: Request, pk: int) -> Response:
        job, asked = _job(pk), request.query_params
        ready_by = moment_typed(asked.get("ready_by", ""))
        if job.station is None or ready_by is None:
            raise one_problem("ready_by", "Ready by when, and where?", "Claim it, name a moment.")
        plan = scheduled(
            job,
            job.station,
            ready_by=ready_by,
            attended=asked.get("attended", "true") != "false",
            policy=policy_numbers(),
            now=clock.now(),
            rested_v=volts_typed(asked.get("rested_v", "")),
        )
        return Response(schedule_shape(plan))


class ClaimView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        slug = sent(Claim, request)["station"]
        station = Station.objects.filter(slug=slug).first()
        if station is None:
            raise Http404(f"There is no station {slug!r}.")
        orders.claim_job(job=_job(pk), station=station, by=person(request), now=clock.now())
        return Response(job_shape(_job(pk)))


class ReleaseView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        orders.release_job(job=_job(pk), by=person(request), now=clock.now())
        return Response(job_shape(_job(pk)))


class CancelView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        words = sent(Cancel, request)["words"]
        orders.cancel_job(job=_job(pk), words=words, by=person(request), now=clock.now())
        return Response(job_shape(_job(pk)))


class StartView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        asked = sent(Start, request)
        if not asked["confirmed"]:
            raise one_problem(
                "set_up", "The set-up is not confirmed.", "Confirm it at the bench, then start."
            )
        job, now = _job(pk), clock.now()
        how = {name: asked[name] for name in ("attended", "not_before", "ready_by", "rested_v")}
        terms = terms_of(job, **how, policy=policy_numbers(), now=now)
        run = starts.start_run(
            job=job, by=person(request), now=now, terms=terms, rested_v=asked["rested_v"]
        )
        shown = runs.shown(runs.runs().get(pk=run.pk), now=clock.now())
        return Response(run_shape(shown), status=201)


def _job(pk: int) -> Job:
    job = board.jobs_told().filter(pk=pk).first()
    if job is None:
        raise Http404(f"There is no job {pk}.")
    return job


def _plan_shape(job: Job) -> dict[str, Any] | None:
    """What would be done at the job's station; None before a claim, or where it is refused."""
    if job.station is None:
        return None
    try:
        planned = plan(job, job.station)
    except Refusal:
        return None
    return {
        "target_v": planned.program.target_v,
        "facts": planned.facts,
        "lasts_s": planned.lasts.total_seconds(),
        "sha256": planned.sha256,
        "handlings": planned.handlings,
        "unseen": planned.unseen,
        "load_hours": asdict(load) if (load := load_hours(job, planned.program)) else None,
    }


def _hours_shape(found: Forecast) -> dict[str, Any]:
    others = [
        {"words": other.words, "hours": interval_shape(other.hours)} for other in found.alternatives
    ]
    visits = [
        {"titles": visit.titles, "after": interval_shape(visit.after)} for visit in found.visits
    ]
    return {
        "visits": visits,
        "surges": [asdict(surge) for surge in found.surges],
        "hours": interval_shape(found.hours),
        "finishes": found.finishes,
        "stops": found.stops,
        "is_night": found.is_night,
        "rested_v": found.rested_v,
        "alternatives": others,
    }


def job_shape(job: Job) -> dict[str, Any]:
    """`job` must come from `board.jobs_told()`."""
    newest = next(iter(job.runs.all()), None)
    ended = board.cancellation_of(job)
    return {
        "id": job.pk,
        "kind": job.kind,
        "state": job.state,
        "recipe": {
            "name": job.recipe_version.recipe.name,
            "version": job.recipe_version.version,
        },
        "station": job.station.slug if job.station else None,
        "claimed_by": job.claimed_by.username if job.claimed_by else None,
        "claimed_at": job.claimed_at,
        "created_at": job.created_at,
        "cells": [
            {"serial": row.cell.serial, "position": row.position} for row in job.job_cells.all()
        ],
        "run": newest.pk if newest else None,
        "cancelled": ended and _cancelled_shape(ended),
    }


def _cancelled_shape(event: JobEvent) -> dict[str, Any]:
    by = event.by.username if event.by else None
    return {"by": by, "at": event.at, "words": event.data["words"]}
