"""`trace/<secret>`: what a customer may see, without an account (T2)."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.reads.curves import curve_shape, points_asked
from api.rest.views import ShopView
from shop.jobs.queries import steps_begun
from shop.trace.queries import trace_curve, trace_pack
from shop.trace.values import PackTrace
from stations.plain import to_plain

UNKNOWN = "This link opens nothing, or no longer does."
PRIVATE = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Cache-Control": "no-store"}


class TraceView(ShopView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request, secret: str) -> Response:
        plain: dict[str, Any] = to_plain(_traced(secret))
        return Response(plain, headers=PRIVATE)


class TraceCurveView(ShopView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request, secret: str) -> Response:
        traced = _traced(secret)
        asked = request.query_params.get("run", "")
        balance = next((b for b in traced.balances if str(b.run_id) == asked), None)
        if balance is None:
            raise Http404(UNKNOWN)
        points = points_asked(request.query_params.get("points"))
        drawn = trace_curve(secret, balance.run_id, points)
        if drawn is None:
            raise Http404(UNKNOWN)
        shape = curve_shape(
            drawn,
            run=balance.run_id,
            target_v=balance.target_v,
            simulated=balance.simulated,
            steps=steps_begun(balance.run_id),
        )
        return Response(shape, headers=PRIVATE)


def _traced(secret: str) -> PackTrace:
    traced = trace_pack(secret)
    if traced is None:
        raise Http404(UNKNOWN)
    return traced
