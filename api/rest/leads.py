"""`lead-sets`: what lies between supply and bank; `stations/<slug>/leads`: which lies there."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads import leads
from api.reads.leads import LeadsShown
from api.rest.stations import station_named
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.leads.models import LeadSet
from shop.leads.rules import mm2_of_awg
from shop.leads.services import fit_leads, register_lead_set


class New(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)
    gauge_mm2 = serializers.FloatField(required=False)
    awg = serializers.IntegerField(required=False, min_value=0, max_value=36)
    length_m = serializers.FloatField()
    end = serializers.CharField(max_length=20)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("awg" in attrs) == ("gauge_mm2" in attrs):
            raise serializers.ValidationError({"gauge_mm2": "Say either gauge_mm2 or awg."})
        return attrs


class Fitting(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)


class LeadSetsView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"lead_sets": [_shape(shown) for shown in leads.every()]})

    @idempotent
    def post(self, request: Request) -> Response:
        asked = sent(New, request)
        gauge_mm2 = asked["gauge_mm2"] if "gauge_mm2" in asked else mm2_of_awg(asked["awg"])
        made = register_lead_set(
            label=asked["name"],
            gauge_mm2=gauge_mm2,
            length_m=asked["length_m"],
            end=asked["end"],
            by=person(request),
            now=clock.now(),
        )
        return Response(_shape(next(s for s in leads.every() if s.lead_set == made)), status=201)


class StationLeadsView(ShopView):
    def get(self, request: Request, slug: str) -> Response:
        shown = leads.at(station_named(slug))
        return Response({"leads": _shape(shown) if shown else None})

    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        station, label = station_named(slug), sent(Fitting, request)["name"]
        lead_set = LeadSet.objects.filter(label=label).first()
        if lead_set is None:
            raise Http404(f"There is no lead set {label!r}.")
        fit_leads(station=station, lead_set=lead_set, by=person(request), now=clock.now())
        shown = leads.at(station)
        return Response({"leads": _shape(shown) if shown else None}, status=201)


def _shape(shown: LeadsShown) -> dict[str, Any]:
    made = shown.lead_set
    return {
        "name": made.label,
        "gauge_mm2": made.gauge_mm2,
        "length_m": made.length_m,
        "end": made.end,
        "rated_a": shown.leads.rated_a,
        "station": shown.station.slug if shown.station else None,
        "milliohm": shown.milliohm,
        "measured": [
            {"milliohm": one.milliohm, "at": one.at, "station": one.station, "run": one.run}
            for one in shown.history
        ],
    }
