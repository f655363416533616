"""`packs`, `designs`, `customers`: ask the gate, assemble, share with the customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import AlreadyDone, around, asked_of, idempotent, kept, replayed
from api.reads.packs import PackShown, pack_shown, public_url
from api.rest.care import care_shape
from api.rest.errors import refused
from api.rest.taken_back import reason_shape
from api.rest.views import CELLS_MAX, ShopView, person, sent
from shop import clock
from shop.cells.models import Cell
from shop.cells.queries import cells_by_serial
from shop.packs.findings import Finding
from shop.packs.models import PackDesign
from shop.packs.rules import is_allowed
from shop.packs.services import GateRefusal, assemble_pack, check_plan
from shop.people.models import Customer
from shop.trace.queries import digest
from shop.trace.services import revoke, share


class Wish(serializers.Serializer[Any]):
    design = serializers.CharField()
    cells = serializers.ListField(
        child=serializers.CharField(max_length=60), allow_empty=False, max_length=CELLS_MAX
    )
    simulated = serializers.BooleanField(default=False)
    sample = serializers.BooleanField(default=False)


class NewPack(Wish):
    serial = serializers.CharField(max_length=64)
    customer = serializers.IntegerField(allow_null=True, default=None)


class DesignsView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"designs": [_design(d) for d in PackDesign.objects.order_by("name")]})


class CustomersView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"customers": list(Customer.objects.values("id", "name"))})


class CheckView(ShopView):
    def post(self, request: Request) -> Response:
        wish = sent(Wish, request)
        design, cells = _chosen(wish)
        found = check_plan(
            design=design,
            cells=cells,
            by=person(request),
            simulated=wish["simulated"],
            sample=wish["sample"],
            now=clock.now(),
        )
        return Response({"allowed": is_allowed(found), "findings": [_finding(f) for f in found]})


class PacksView(ShopView):
    def post(self, request: Request) -> Response:
        wish = sent(NewPack, request)
        design, cells = _chosen(wish)
        asked = asked_of(request)

        def made() -> Response:
            return Response(_pack_shape(_shown(wish["serial"])), status=201)

        try:
            assemble_pack(
                serial=wish["serial"],
                design=design,
                cells=cells,
                customer=_customer(wish["customer"]),
                by=person(request),
                simulated=wish["simulated"],
                sample=wish["sample"],
                now=clock.now(),
                around=lambda: around(asked, lambda: kept(made())),
            )
        except AlreadyDone as done:
            return replayed(done.row)
        except GateRefusal as refusal:
            response = refused("The gate is closed", refusal.problems, 409)
            response.data["findings"] = [_finding(f) for f in refusal.findings]
            return response
        return made()


class PackView(ShopView):
    def get(self, request: Request, serial: str) -> Response:
        return Response(_pack_shape(_shown(serial)))


class LinksView(ShopView):
    def post(self, request: Request, serial: str) -> Response:
        """Repeated under its key it is made again, not remembered: the secret is stored nowhere."""
        pack, asked = _shown(serial).pack, asked_of(request)
        with transaction.atomic():
            key = asked.begin_again() if asked else ""
            secret = share(pack=pack, by=person(request), now=clock.now(), key=key)
        link = pack.trace_links.get(secret_sha256=digest(secret))
        path = f"/t/{secret}"
        body = {"id": link.pk, "secret": secret, "path": path}
        return Response(body | {"url": public_url(request._request, secret)}, status=201)


class LinkView(ShopView):
    @idempotent
    def delete(self, request: Request, serial: str, pk: int) -> Response:
        link = next((link for link in _shown(serial).links if link.pk == pk), None)
        if link is None:
            raise Http404(f"Pack {serial} has no link {pk}.")
        revoke(link=link, by=person(request), now=clock.now())
        return Response(status=204)


def _chosen(wish: Mapping[str, Any]) -> tuple[PackDesign, list[Cell]]:
    design = PackDesign.objects.filter(name=wish["design"]).first()
    if design is None:
        raise Http404(f"There is no design {wish['design']!r}.")
    return design, cells_by_serial(wish["cells"])


def _customer(pk: int | None) -> Customer | None:
    if pk is None:
        return None
    customer = Customer.objects.filter(pk=pk).first()
    if customer is None:
        raise Http404(f"There is no customer {pk}.")
    return customer


def _shown(serial: str) -> PackShown:
    shown = pack_shown(serial)
    if shown is None:
        raise Http404(f"There is no pack {serial}.")
    return shown


def _design(design: PackDesign) -> dict[str, Any]:
    names = ("id", "name", "series", "parallel", "application")
    return {name: getattr(design, name) for name in names} | {"cells": design.cell_count}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "verdict": finding.verdict.value,
        "words": finding.words,
        "value": finding.value,
        "limit": finding.limit,
        "why": finding.why,
        "fix": finding.fix.words if finding.fix else "",
        "cell": finding.cell,
    }


def _pack_shape(shown: PackShown) -> dict[str, Any]:
    pack = shown.pack
    return {
        "serial": pack.serial,
        "design": pack.design.name,
        "customer": pack.customer.name if pack.customer else None,
        "simulated": pack.simulated,
        "sample": pack.sample,
        "assembled_at": pack.assembled_at,
        "cells": [
            {"serial": place.cell.serial, "position": place.position} for place in shown.placements
        ],
        "links": [
            {"id": link.pk, "created_at": link.created_at, "revoked_at": link.revoked_at}
            for link in shown.links
        ],
        "care": care_shape(shown.care),
        "recalls": [reason_shape(reason) for reason in shown.recalls],
    }
