"""`stations`: where work can be done, what each does now, how it was commissioned."""

from __future__ import annotations

import json
from typing import Any

import rfc8785
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads import board
from api.reads.board import StationShown
from api.reads.commissioning import CommissioningShown
from api.rest.errors import problem_shape
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.equipment.models import Commissioning, Station
from shop.equipment.queries import Certified, certificates_of
from shop.equipment.retiring import rename_station, retire_station
from shop.equipment.services import record_commissioning, register_station

NEWEST = 20


class Sending(serializers.Serializer[Any]):
    report = serializers.JSONField()


class New(serializers.Serializer[Any]):
    slug = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=200)
    host = serializers.CharField(max_length=200, default="localhost")


class Naming(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)


class Retiring(serializers.Serializer[Any]):
    words = serializers.CharField(max_length=500)
    seen_off = serializers.BooleanField(default=False)


class StationsView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"stations": [_shape(s) for s in board.stations(now=clock.now())]})

    @idempotent
    def post(self, request: Request) -> Response:
        now = clock.now()
        made = register_station(**sent(New, request), by=person(request), now=now)
        (shown,) = board.stations(now=now, slug=made.slug)
        return Response(_shape(shown), status=201)


class RenameView(ShopView):
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        now, name = clock.now(), sent(Naming, request)["name"]
        rename_station(station=station_named(slug), name=name, by=person(request), now=now)
        return _now(slug)


class RetireView(ShopView):
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        asked = sent(Retiring, request)
        retire_station(
            station=station_named(slug),
            words=asked["words"],
            by=person(request),
            now=clock.now(),
            seen_off=asked["seen_off"],
        )
        return _now(slug)


def _now(slug: str) -> Response:
    (shown,) = board.stations(now=clock.now(), slug=slug)
    return Response(_shape(shown))


class CommissioningsView(ShopView):
    def get(self, request: Request, slug: str) -> Response:
        rows = station_named(slug).commissionings.select_related("by")[:NEWEST]
        return Response({"commissionings": [_row(row) for row in rows]})

    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        made = record_commissioning(
            station=station_named(slug),
            document=_canonical(sent(Sending, request)["report"]),
            by=person(request),
            now=clock.now(),
        )
        return Response(_row(made), status=201)


def station_named(slug: str) -> Station:
    """A 404 in words where there is none."""
    station = Station.objects.filter(slug=slug).first()
    if station is None:
        raise Http404(f"There is no station {slug!r}.")
    return station


def _row(row: Commissioning) -> dict[str, Any]:
    return {
        "id": row.pk,
        "sha256": row.sha256,
        "measured_at": row.measured_at,
        "passed": row.passed,
        "by": row.by.username,
        "report": json.loads(row.document),
        "certificates": [_certified(one) for one in certificates_of(row)],
    }


def _certified(one: Certified) -> dict[str, Any]:
    known, valid = one.instrument, one.calibration
    return {
        "role": known.role,
        "serial_number": known.serial_number,
        "certificate": valid.certificate if valid else None,
        "valid_until": valid.valid_until if valid else None,
    }


def _canonical(report: Any) -> bytes:
    """As the bench wrote it, however it was laid out on the way."""
    try:
        return rfc8785.dumps(report)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise serializers.ValidationError({"report": str(error)}) from error


def _commissioned(shown: CommissioningShown) -> dict[str, Any]:
    return {
        "measured_at": shown.measured_at,
        "passed": shown.passed,
        "lead_milliohm": shown.lead_milliohm,
        "unattended": [problem_shape(problem) for problem in shown.problems],
        "drawing": [problem_shape(problem) for problem in shown.drawing],
    }


def _shape(shown: StationShown) -> dict[str, Any]:
    run = shown.run
    step = shown.progress.now
    return {
        "slug": shown.station.slug,
        "name": shown.station.name,
        "output": shown.output,
        "alarm": shown.alarm,
        "heartbeat_at": shown.heartbeat_at,
        "online": shown.is_online,
        "retired_at": shown.station.retirement.at if shown.station.is_retired else None,
        "run": {"id": run.pk, "state": run.state, "step": step.name if step else ""}
        if run
        else None,
        "job": run.job_id if run else None,
        "commissioned": _commissioned(shown.commissioned),
    }
