"""`stations`: where work can be done, and what each does now."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.reads import board
from api.reads.board import StationShown
from api.rest.views import ShopView
from shop import clock


class StationsView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"stations": [_shape(s) for s in board.stations(now=clock.now())]})


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
        "run": {"id": run.pk, "state": run.state, "step": step.name if step else ""}
        if run
        else None,
        "job": run.job_id if run else None,
    }
