"""`cell-types`: what the datasheets say that cells are held to (B1, F7)."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.cells.cell_types import define_cell_type, say_more
from shop.cells.models import CellType
from shop.cells.rules import FIGURES, LATER_SAID


class More(serializers.Serializer[Any]):
    discharge_c_max = serializers.FloatField(required=False, allow_null=True)
    torque_nm = serializers.FloatField(required=False, allow_null=True)


class New(More):
    maker = serializers.CharField(max_length=100)
    model = serializers.CharField(max_length=100)
    datasheet = serializers.CharField(max_length=200)
    capacity_ah = serializers.FloatField()
    charge_voltage_max_v = serializers.FloatField(required=False)
    discharge_voltage_min_v = serializers.FloatField(required=False)
    charge_c_max = serializers.FloatField(required=False)
    r_typical_ohm = serializers.FloatField(required=False)


class CellTypesView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"cell_types": [_shape(row) for row in CellType.objects.all()]})

    @idempotent
    def post(self, request: Request) -> Response:
        asked = sent(New, request)
        made = define_cell_type(
            maker=asked["maker"],
            model=asked["model"],
            datasheet=asked["datasheet"],
            figures={f.name: asked[f.name] for f in FIGURES if f.name in asked},
            by=person(request),
            now=clock.now(),
        )
        return Response(_shape(made), status=201)


class FiguresView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        row = CellType.objects.filter(pk=pk).first()
        if row is None:
            raise Http404(f"There is no cell type {pk}.")
        asked = sent(More, request)
        figures = {f.name: asked.get(f.name) for f in LATER_SAID}
        made = say_more(cell_type=row, figures=figures, by=person(request), now=clock.now())
        return Response(_shape(made), status=201)


def _shape(row: CellType) -> dict[str, Any]:
    named = {"id": row.pk, "maker": row.maker, "model": row.model, "datasheet": row.datasheet}
    return named | {figure.name: getattr(row, figure.name) for figure in FIGURES}
