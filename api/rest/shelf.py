"""`shelf`: balanced cells that are in no pack, by what expires next, and where they lie (B8)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads.shelf import Lying, shelf_now
from api.rest.views import CELLS_MAX, ShopView, person, sent
from shop import clock
from shop.jobs.queries import policy_numbers
from shop.shelf.models import ShelfPlace
from shop.shelf.places import place_cells
from shop.shelf.rules import Shelved, too_warm


class Placing(serializers.Serializer[Any]):
    cells = serializers.ListField(child=serializers.CharField(max_length=60), max_length=CELLS_MAX)
    shelf = serializers.CharField(max_length=40)
    unlinked = serializers.BooleanField(default=False)
    covered = serializers.BooleanField(default=False)
    temperature_c = serializers.FloatField(required=False, allow_null=True)


class ShelfView(ShopView):
    def get(self, request: Request) -> Response:
        now = clock.now()
        return Response({"cells": [_shape(*line, now) for line in shelf_now(now=now)]})


class PlacesView(ShopView):
    @idempotent
    def post(self, request: Request) -> Response:
        asked = sent(Placing, request)
        made = place_cells(
            serials=asked["cells"],
            shelf=asked["shelf"],
            unlinked=asked["unlinked"],
            covered=asked["covered"],
            temperature_c=asked.get("temperature_c"),
            by=person(request),
            now=clock.now(),
        )
        warning = too_warm(made[0].temperature_c, policy_numbers().shelf_max_degc)
        shapes = [place_shape(row) for row in made]
        return Response({"places": shapes, "warning": warning}, status=201)


def place_shape(row: ShelfPlace) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "shelf", "temperature_c", "at")}
    return told | {"serial": row.cell.serial, "by": row.by.username}


def _shape(cell: Shelved, lying: Lying, now: datetime) -> dict[str, Any]:
    return {
        "serial": cell.serial,
        "bank": cell.bank,
        "state": cell.state.value,
        "since": cell.since,
        "until": cell.until,
        "left_s": cell.left_s(now),
        "do": cell.do,
        "shelf": lying.shelf or None,
        "lies": lying.words,
    }
