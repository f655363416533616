"""`instruments`, `drivers`: what lies at which station, with its certificates (F1)."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads import equipment
from api.reads.identified import named
from api.rest.errors import problem_shape
from api.rest.stations import station_named
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.equipment.instruments import register_instruments, take_off
from shop.equipment.models import Calibration, Instrument
from shop.equipment.services import record_calibration


class Certificate(serializers.Serializer[Any]):
    certificate = serializers.CharField(max_length=1000)
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()


class Why(serializers.Serializer[Any]):
    words = serializers.CharField(max_length=1000, allow_blank=True)


class DriversView(ShopView):
    def get(self, request: Request) -> Response:
        shapes = [
            {"role": kind.role, "driver": kind.driver, "model": kind.model, "can": kind.can}
            for kinds in equipment.kinds().values()
            for kind in kinds
        ]
        return Response({"drivers": shapes})


class InstrumentsView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"instruments": _shapes(equipment.instruments())})


class StationInstrumentsView(ShopView):
    def get(self, request: Request, slug: str) -> Response:
        station = station_named(slug)
        told = {"instruments": _shapes(equipment.instruments().filter(station=station))}
        lacks = [problem_shape(problem) for problem in equipment.station_problems(station)]
        procedures = [
            {"procedure": one.kind, "lacks": [problem_shape(problem) for problem in one.lacks]}
            for one in equipment.doing(station)
        ]
        return Response(told | {"lacks": lacks, "procedures": procedures})

    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        placed = register_instruments(
            station=station_named(slug),
            named=named(request.data),
            by=person(request),
            now=clock.now(),
        )
        rows = equipment.instruments().filter(pk__in=[row.pk for row in placed])
        return Response({"instruments": _shapes(rows)}, status=201)


class CalibrationsView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        made = record_calibration(
            instrument=_named(pk), by=person(request), now=clock.now(), **sent(Certificate, request)
        )
        return Response(_certificate(made), status=201)


class TakeOffView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        words = sent(Why, request)["words"]
        take_off(instrument=_named(pk), words=words, by=person(request), now=clock.now())
        return Response(_shapes(equipment.instruments().filter(pk=pk))[0])


def _named(pk: int) -> Instrument:
    instrument = Instrument.objects.select_related("station").filter(pk=pk).first()
    if instrument is None:
        raise Http404(f"There is no instrument {pk}.")
    return instrument


def _shapes(rows: Any) -> list[dict[str, Any]]:
    return [_shape(one) for one in equipment.shown(rows, now=clock.now())]


def _shape(shown: equipment.InstrumentShown) -> dict[str, Any]:
    row, valid, standing = shown.instrument, shown.in_force, shown.standing
    names = ("role", "driver", "model", "serial_number")
    return {
        "id": row.pk,
        "station": row.station.slug if row.station else None,
        **{name: getattr(row, name) for name in names},
        "can": shown.can,
        "calibration": {"kind": standing.kind, "words": standing.words or standing.word},
        "calibrated_until": valid.valid_until if valid else None,
        "calibrations": [_certificate(one) for one in row.calibrations.all()],
    }


def _certificate(row: Calibration) -> dict[str, Any]:
    back = getattr(row, "withdrawal", None)
    names = ("id", "certificate", "valid_from", "valid_until")
    told = {name: getattr(row, name) for name in names}
    return told | {"withdrawn_at": back.at if back else None, "words": back.words if back else ""}
