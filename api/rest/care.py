"""`packs/<serial>/…`: a pack in use is read, a balance skipped on evidence, a pack taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.care import services
from shop.care.due import ServiceDue
from shop.care.queries import AHEAD, Care, Judged, packs_due
from shop.care.rules import MONTHS_MAX
from shop.jobs.models import RecipeVersion
from shop.packs.models import Pack


class Reading(serializers.Serializer[Any]):
    cells_v = serializers.ListField(child=serializers.FloatField(), max_length=64)
    at_top = serializers.BooleanField()
    taken_at = serializers.DateTimeField()
    measured_by = serializers.CharField(max_length=100)
    months = serializers.IntegerField(
        min_value=0, max_value=MONTHS_MAX, allow_null=True, default=None
    )


class Hold(serializers.Serializer[Any]):
    reading = serializers.IntegerField()
    recipe = serializers.IntegerField()


class Skip(serializers.Serializer[Any]):
    capacity_ah = serializers.FloatField()
    tested_at = serializers.DateTimeField()
    measured_by = serializers.CharField(max_length=100)


class Apart(serializers.Serializer[Any]):
    words = serializers.CharField(allow_blank=True)
    capacity_recipe = serializers.IntegerField(allow_null=True, default=None)
    balance_recipe = serializers.IntegerField(allow_null=True, default=None)


class ServiceView(ShopView):
    def get(self, request: Request) -> Response:
        rows = packs_due(until=clock.now() + AHEAD)
        shapes = [
            {
                "serial": pack.serial,
                "customer": pack.customer.name if pack.customer else None,
                **service_shape(due),
            }
            for pack, due in rows
        ]
        return Response({"packs": shapes})


class ReadingsView(ShopView):
    @idempotent
    def post(self, request: Request, serial: str) -> Response:
        asked, pack = sent(Reading, request), _pack(serial)
        made = services.read_pack(pack=pack, **asked, by=person(request), now=clock.now())
        return Response({"id": made.pk}, status=201)


class RecoveriesView(ShopView):
    @idempotent
    def post(self, request: Request, serial: str) -> Response:
        asked, pack = sent(Hold, request), _pack(serial)
        reading = pack.readings.filter(pk=asked["reading"]).first()
        version = _recipe(asked["recipe"])
        if reading is None or version is None:
            raise Http404(f"Pack {serial} has no reading {asked['reading']}.")
        made = services.open_recovery(
            reading=reading, recipe_version=version, by=person(request), now=clock.now()
        )
        return Response({"course": made.course, "job": made.job_id}, status=201)


class SkipsView(ShopView):
    @idempotent
    def post(self, request: Request, serial: str) -> Response:
        asked, pack = sent(Skip, request), _pack(serial)
        made = services.skip_balance(pack=pack, **asked, by=person(request), now=clock.now())
        return Response({"id": made.pk, "rated_ah": made.rated_ah}, status=201)


class ApartView(ShopView):
    @idempotent
    def post(self, request: Request, serial: str) -> Response:
        asked, pack = sent(Apart, request), _pack(serial)
        jobs = services.take_apart(
            pack=pack,
            words=asked["words"],
            capacity_recipe=_recipe(asked["capacity_recipe"]),
            balance_recipe=_recipe(asked["balance_recipe"]),
            by=person(request),
            now=clock.now(),
        )
        return Response({"jobs": [job.pk for job in jobs]}, status=201)


def care_shape(care: Care) -> Mapping[str, Any]:
    """As the pack shows it."""
    return {
        "apart_at": care.apart.at if care.apart else None,
        "service": service_shape(care.service) if care.service else None,
        "readings": [_judged(judged) for judged in care.readings],
        "skips": [
            {name: getattr(skip, name) for name in ("id", "at", "capacity_ah", "rated_ah")}
            for skip in care.skips
        ],
    }


def service_shape(due: ServiceDue) -> Mapping[str, Any]:
    return {"due_at": due.at, "why": due.why}


def _judged(judged: Judged) -> Mapping[str, Any]:
    reading, advice = judged.reading, judged.advice
    names = ("id", "cells_v", "at_top", "taken_at", "months", "measured_by")
    told = {name: getattr(reading, name) for name in names}
    asks = {"course": advice.course, "words": advice.words, "fix": advice.fix}
    return told | {"spread_v": reading.spread_v, "taken": judged.taken} | asks


def _pack(serial: str) -> Pack:
    pack = Pack.objects.filter(serial=serial).select_related("design").first()
    if pack is None:
        raise Http404(f"There is no pack {serial}.")
    return pack


def _recipe(pk: int | None) -> RecipeVersion | None:
    if pk is None:
        return None
    version = RecipeVersion.objects.filter(pk=pk).first()
    if version is None:
        raise Http404(f"There is no recipe version {pk}.")
    return version
