"""`alerts`: whether an alert of a run that nobody stays with would arrive (F4)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.alerts import services
from shop.alerts.models import AlertCheck
from shop.alerts.queries import last_arrived_at, stuck

NEWEST = 20


class Code(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=12)


class AlertsView(ShopView):
    def get(self, request: Request) -> Response:
        checks = [check_shape(check) for check in AlertCheck.objects.all()[:NEWEST]]
        arrived = {"address": settings.ALERT_EMAIL or None, "arrived_at": last_arrived_at()}
        runs = list(stuck(clock.now()).values_list("pk", flat=True))
        return Response(arrived | {"unsent_runs": runs, "checks": checks})


class ChecksView(ShopView):
    @idempotent
    def post(self, request: Request) -> Response:
        check = services.send_check(by=person(request), now=clock.now())
        return Response(check_shape(check), status=201)


class ConfirmCheckView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        check = AlertCheck.objects.filter(pk=pk).first()
        if check is None:
            raise Http404(f"There is no alert check {pk}.")
        code = sent(Code, request)["code"]
        confirmed = services.confirm_check(
            check=check, code=code, by=person(request), now=clock.now()
        )
        return Response(check_shape(confirmed))


def check_shape(check: AlertCheck) -> dict[str, Any]:
    return {
        "id": check.pk,
        "address": check.address,
        "sent_at": check.sent_at,
        "error": check.error,
        "confirmed_at": check.confirmed_at,
    }
