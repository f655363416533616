"""`shelf`: balanced cells that are in no pack, by what expires next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.rest.views import ShopView
from shop import clock
from shop.shelf.queries import shelf
from shop.shelf.rules import Shelved


class ShelfView(ShopView):
    def get(self, request: Request) -> Response:
        now = clock.now()
        return Response({"cells": [_shape(cell, now) for cell in shelf(now=now)]})


def _shape(cell: Shelved, now: datetime) -> dict[str, Any]:
    return {
        "serial": cell.serial,
        "bank": cell.bank,
        "state": cell.state.value,
        "since": cell.since,
        "until": cell.until,
        "left_s": cell.left_s(now),
        "do": cell.do,
    }
