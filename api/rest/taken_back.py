"""`supersessions`, `calibrations` withdrawn, `recalls`, `audit`: evidence taken back."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads.taken_back import RECORDS, newest_entries, record_named
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.audit.models import AuditEntry
from shop.equipment.models import Calibration
from shop.evidence.taking_back import supersede, withdraw
from shop.people.roles import Act, require
from shop.trace.recall import Reason, recall_list


class Superseding(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=sorted(RECORDS))
    id = serializers.IntegerField()
    words = serializers.CharField(allow_blank=True)


class Why(serializers.Serializer[Any]):
    words = serializers.CharField(allow_blank=True)


class SupersessionsView(ShopView):
    @idempotent
    def post(self, request: Request) -> Response:
        asked = sent(Superseding, request)
        record = record_named(asked["kind"], asked["id"])
        if record is None:
            raise Http404(f"There is no {asked['kind']} {asked['id']}.")
        made = supersede(record=record, words=asked["words"], by=person(request), now=clock.now())
        told = {"id": made.pk, "kind": asked["kind"], "of": record.pk}
        return Response(told | {"words": made.words, "at": made.at}, status=201)


class WithdrawView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        words = sent(Why, request)["words"]
        calibration = Calibration.objects.filter(pk=pk).select_related("instrument").first()
        if calibration is None:
            raise Http404(f"There is no calibration {pk}.")
        made = withdraw(calibration=calibration, words=words, by=person(request), now=clock.now())
        told = {"id": made.pk, "calibration": pk, "certificate": calibration.certificate}
        return Response(told | {"words": made.words, "at": made.at}, status=201)


class RecallsView(ShopView):
    def get(self, request: Request) -> Response:
        shapes = [
            {
                "serial": recalled.pack.serial,
                "customer": recalled.pack.customer.name if recalled.pack.customer else None,
                "since": recalled.since,
                "reasons": [reason_shape(reason) for reason in recalled.reasons],
            }
            for recalled in recall_list()
        ]
        return Response({"packs": shapes})


class AuditView(ShopView):
    def get(self, request: Request) -> Response:
        require(person(request).role, Act.READ_AUDIT)
        return Response({"entries": [_entry(entry) for entry in newest_entries()]})


def reason_shape(reason: Reason) -> dict[str, Any]:
    return {"at": reason.at, "words": reason.words}


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "kind": entry.kind,
        "by": entry.by.username if entry.by else None,
        "at": entry.at,
        "address": entry.address,
        "data": entry.data,
    }
