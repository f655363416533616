"""`cells`, `capacity-tests/import`, `approvals`: evidence of single cells."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads.approvals import Waiting, waiting
from api.reads.shelf import lying
from api.rest.errors import problem_shape
from api.rest.runs import balance_shape, resistance_shape, superseded_shape
from api.rest.shelf import place_shape
from api.rest.views import CELLS_MAX, ShopView, person, sent
from shop import clock
from shop.cells.models import Cell, StudFitting
from shop.cells.queries import cells_by_serial
from shop.cells.studs import fit_studs
from shop.equipment.states import InstrumentRole
from shop.evidence.models import CapacityTest
from shop.evidence.queries import evidence_of
from shop.evidence.resistances import withdrawn_under
from shop.evidence.rules.capacity_file import BYTES_MAX
from shop.evidence.services.approvals import approve_cells
from shop.evidence.services.capacity import import_capacity_file


class CapacityFile(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


class Studs(serializers.Serializer[Any]):
    thread_locker = serializers.CharField(allow_blank=True)
    words = serializers.CharField(allow_blank=True, default="")


class SeenCell(serializers.Serializer[Any]):
    serial = serializers.CharField(max_length=60)
    evidence_sha256 = serializers.RegexField("^[0-9a-f]{64}$")


class Approve(serializers.Serializer[Any]):
    cells = serializers.ListField(child=SeenCell(), allow_empty=False, max_length=CELLS_MAX)


class CellView(ShopView):
    def get(self, request: Request, serial: str) -> Response:
        cell = Cell.objects.select_related("batch__cell_type").filter(serial=serial).first()
        if cell is None:
            raise Http404(f"No cell has the serial {serial}.")
        return Response(_cell_shape(cell))


class StudsView(ShopView):
    @idempotent
    def post(self, request: Request, serial: str) -> Response:
        asked = sent(Studs, request)
        cell = Cell.objects.filter(serial=serial).first()
        if cell is None:
            raise Http404(f"No cell has the serial {serial}.")
        made = fit_studs(cell=cell, **asked, by=person(request), now=clock.now())
        return Response(_studs_shape(made), status=201)


class ImportCapacityView(ShopView):
    parser_classes = [MultiPartParser]

    @idempotent
    def post(self, request: Request) -> Response:
        upload = sent(CapacityFile, request)["file"]
        tests = import_capacity_file(
            name=upload.name or "",
            data=upload.read(BYTES_MAX + 1),
            by=person(request),
            now=clock.now(),
        )
        return Response({"tests": [_test_shape(test) for test in tests]}, status=201)


class ApprovalsView(ShopView):
    def get(self, request: Request) -> Response:
        found = waiting(person(request), now=clock.now())
        return Response({"cells": [_waiting_shape(shown) for shown in found]})

    @idempotent
    def post(self, request: Request) -> Response:
        wanted = sent(Approve, request)["cells"]
        approvals = approve_cells(
            cells=cells_by_serial([cell["serial"] for cell in wanted]),
            evidence_sha256={cell["serial"]: cell["evidence_sha256"] for cell in wanted},
            by=person(request),
            now=clock.now(),
        )
        shapes = [
            {"serial": a.cell.serial, "evidence_sha256": a.evidence_sha256, "at": a.at}
            for a in approvals
        ]
        return Response({"approvals": shapes}, status=201)


def _cell_shape(cell: Cell) -> dict[str, Any]:
    evidence = evidence_of(cell)
    resistances = list(cell.resistance_tests.order_by("-tested_at"))
    withdrawn = withdrawn_under(resistances)
    tests = cell.capacity_tests.select_related("cell", "supersession").order_by("-tested_at")
    balances = (
        cell.balances.select_related("balance__supersession")
        .prefetch_related("balance__cells__cell")
        .order_by("-balance_id")
    )
    voltages = cell.voltages.select_related(
        "voltage_check__supersession", "voltage_check__meter"
    ).order_by("-pk")
    newest_job = cell.jobs.order_by("-pk").values_list("pk", flat=True).first()
    return {
        "serial": cell.serial,
        "batch": cell.batch.code,
        "type": str(cell.batch.cell_type),
        "capacity_ah": cell.batch.cell_type.capacity_ah,
        "evidence_sha256": evidence.sha256,
        "approved": evidence.approval is not None,
        "pack": evidence.packed_in or None,
        "job": newest_job,
        "tests": [_test_shape(test) for test in tests],
        "resistances": [resistance_shape(test, withdrawn) for test in resistances],
        "balances": [balance_shape(row.balance) | {"run": row.balance.run_id} for row in balances],
        "checks": [
            {
                "id": row.voltage_check_id,
                "kind": row.voltage_check.kind,
                "voltage_v": row.voltage_v,
                "low_v": row.low_v,
                "high_v": row.high_v,
                "age_s": row.age_s,
                "verdict": row.verdict,
                "by_hand": row.voltage_check.meter.role == InstrumentRole.MANUAL,
                "at": row.received_at,
                "superseded": superseded_shape(row.voltage_check),
            }
            for row in voltages
        ],
        "approvals": list(cell.approvals.order_by("-at").values("evidence_sha256", "at")),
        "nut_handlings": evidence.nut_handlings,
        "studs": [_studs_shape(row) for row in cell.stud_fittings.select_related("by")],
        "places": [place_shape(row) for row in cell.shelf_places.select_related("cell", "by")],
        "lies": "" if evidence.packed_in else lying([cell.serial])[0].words,
    }


def _studs_shape(row: StudFitting) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "thread_locker", "words", "at")}
    return told | {"by": row.by.username}


def _test_shape(test: CapacityTest) -> dict[str, Any]:
    return {
        "id": test.pk,
        "serial": test.cell.serial,
        "capacity_ah": test.capacity_ah,
        "tested_at": test.tested_at,
        "source": test.source,
        "run": test.run_id,
        "superseded": superseded_shape(test),
    }


def _waiting_shape(shown: Waiting) -> dict[str, Any]:
    return {
        "serial": shown.evidence.serial,
        "evidence_sha256": shown.evidence.sha256,
        "evidence": shown.evidence.body,
        "problems": [problem_shape(problem) for problem in shown.problems],
    }
