"""`runs`: follow one, confirm a person's step, stop it, read its curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http import Http404, JsonResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads import runs
from api.reads.checks import CheckShown
from api.reads.curves import curve_shape, points_asked
from api.reads.hours import interval_shape
from api.reads.live import plain_live
from api.reads.program import Ask
from api.reads.runs import RunShown
from api.reads.watches import watch_shape
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.evidence.models import Balance, CellBalance, ResistanceTest
from shop.evidence.resistances import withdrawn_under
from shop.evidence.taking_back import Record
from shop.forecast.queries import outlook_of
from shop.jobs import by_hand, scanning
from shop.jobs.attending import presence_due_at
from shop.jobs.giving_up import CONFIRMATIONS, give_up
from shop.jobs.models import Run
from shop.jobs.presence import confirm_presence
from shop.jobs.queries import steps_begun
from shop.jobs.services import acts
from shop.readings.queries import curve


class Confirm(serializers.Serializer[Any]):
    step = serializers.CharField()
    answer = serializers.FloatField(required=False, allow_null=True)  # where the step asks


class Read(serializers.Serializer[Any]):
    volts = serializers.CharField(max_length=40)
    cell = serializers.CharField(max_length=200, required=False, default="")
    place = serializers.CharField(max_length=10, required=False, default="")
    first = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    corrects = serializers.BooleanField(required=False, default=False)


class Scan(serializers.Serializer[Any]):
    cell = serializers.CharField(max_length=200)
    corrects = serializers.BooleanField(required=False, default=False)


class GivingUp(serializers.Serializer[Any]):
    seen_off = serializers.BooleanField()
    parted = serializers.BooleanField()
    words = serializers.CharField(allow_blank=True)


class RunView(ShopView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(run_shape(runs.shown(_run(pk), now=clock.now())))


class CurveView(ShopView):
    def get(self, request: Request, pk: int) -> Response:
        run = _run(pk)
        drawn = curve(run, points_asked(request.query_params.get("points")))
        target_v = (run.program or {}).get("target_v")
        shape = curve_shape(
            drawn,
            run=pk,
            target_v=target_v,
            simulated=run.simulated,
            steps=steps_begun(pk),
        )
        return Response(shape)


class LeftView(ShopView):
    def get(self, request: Request, pk: int) -> JsonResponse:
        left = outlook_of(_run(pk)).left
        hours = left and left.hours and interval_shape(left.hours)
        told = left and {"hours": hours, "words": left.words}
        return JsonResponse(told, safe=False)  # a Response of None has no body at all


class LooksView(ShopView):
    """What the readings show of leads, contacts and cells; what they do not show says why."""

    def get(self, request: Request, pk: int) -> Response:
        return Response({"looks": [asdict(look) for look in outlook_of(_run(pk)).looks]})


class ConfirmView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        asked = sent(Confirm, request)
        step = asked["step"]
        act = acts.confirm_step(
            run=_run(pk),
            step=step,
            by=person(request),
            now=clock.now(),
            answer=asked.get("answer"),
        )
        return Response({"id": act.pk, "step": step, "at": act.at}, status=201)


class PresenceView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        act = confirm_presence(run=_run(pk), by=person(request), now=clock.now())
        due_at = presence_due_at(_run(pk))
        return Response({"id": act.pk, "at": act.at, "due_at": due_at}, status=201)


class ReadingsView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        asked = sent(Read, request)
        act = by_hand.read_cell(run=_run(pk), by=person(request), now=clock.now(), **asked)
        named = {name: act.data[name] for name in ("step", "cell", "voltage_v", "meter")}
        left = _reads(runs.shown(_run(pk), now=clock.now()))
        return Response({"id": act.pk, **named, "at": act.at, "reads": left}, status=201)


class ScansView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        asked = sent(Scan, request)
        act = scanning.scan_cell(run=_run(pk), by=person(request), now=clock.now(), **asked)
        named = {name: act.data[name] for name in ("step", "cell", "meter")}
        left = _reads(runs.shown(_run(pk), now=clock.now()))
        return Response({"id": act.pk, **named, "at": act.at, "reads": left}, status=201)


class GiveUpView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        asked = sent(GivingUp, request)
        confirmed = {key for key in CONFIRMATIONS if asked[key]}
        give_up(
            run=_run(pk),
            confirmed=confirmed,
            words=asked["words"],
            by=person(request),
            now=clock.now(),
        )
        return Response(run_shape(runs.shown(_run(pk), now=clock.now())))


class StopView(ShopView):
    def post(self, request: Request, pk: int) -> Response:
        acts.request_stop(run=_run(pk), by=person(request), now=clock.now())
        return Response(run_shape(runs.shown(_run(pk), now=clock.now())), status=202)


def _run(pk: int) -> Run:
    run = runs.runs().filter(pk=pk).first()
    if run is None:
        raise Http404(f"There is no run {pk}.")
    return run


def brief(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "state": run.state,
        "attempt": run.attempt,
        "step": (run.step or {}).get("name", ""),
        "cause": run.cause,
        "queued_at": run.queued_at,
        "ended_at": run.ended_at,
    }


def run_shape(shown: RunShown) -> dict[str, Any]:
    run, progress, test = shown.run, shown.progress, shown.resistance_test
    return brief(run) | {
        "job": run.job_id,
        "station": run.station.slug,
        "simulated": run.simulated,
        "attended": run.attended,
        "presence": shown.presence and asdict(shown.presence),
        "not_before": run.not_before,
        "ready_by": run.ready_by,
        "stop_requested_at": run.stop_requested_at,
        "steps": [
            {"name": s.name, "title": s.title, "kind": s.kind, "state": s.state}
            for s in progress.steps
        ],
        "needs": _ask(progress.needs),
        "announce": _ask(progress.announce),
        "begin": _ask(shown.begin),
        "reads": _reads(shown),
        "live": plain_live(shown.live),
        "facts": shown.facts,
        "target_v": shown.target_v,
        "stored_samples": run.stored_seq,
        "journal_closed_at": run.journal_closed_at,
        "cells_unseen": shown.cells_unseen,
        "checks": [check_shape(check) for check in shown.checks],
        "balance": balance_shape(shown.balance) if shown.balance else None,
        "resistance": resistance_shape(test, withdrawn_under([test])) if test else None,
        "watch": watch_shape(shown.watch),
    }


def resistance_shape(test: ResistanceTest, withdrawn: Mapping[int, str]) -> dict[str, Any]:
    """`withdrawn` are the certificates that no longer stand for a test, by test."""
    names = (
        *("r_mohm", "u_mohm", "after_s", "early_mohm", "early_after_s", "current_a", "rested_v"),
        *("low_mohm", "warn_mohm", "fail_mohm", "verdict", "tested_at", "simulated"),
    )
    told = {"id": test.pk, "run": test.run_id, "withdrawn": withdrawn.get(test.pk)}
    return told | {name: getattr(test, name) for name in names}


def check_shape(shown: CheckShown) -> dict[str, Any]:
    check = shown.check
    return {
        "id": check.pk,
        "kind": check.kind,
        "target_v": check.target_v,
        "current_stopped_at": check.current_stopped_received_at,
        "simulated": check.simulated,
        "by_hand": shown.is_by_hand,
        "led": shown.is_led,
        "meter": str(check.meter),
        "again": {
            "position": check.again_position,
            "voltage_v": check.again_v,
            "at": check.again_received_at,
        }
        if check.again
        else None,
        "cells": [
            {
                "serial": row.cell.serial,
                "position": row.position,
                "voltage_v": row.voltage_v,
                "low_v": row.low_v,
                "high_v": row.high_v,
                "age_s": row.age_s,
                "verdict": row.verdict,
            }
            for row in sorted(check.cells.all(), key=lambda row: row.position)
        ],
    }


def balance_shape(balance: Balance) -> dict[str, Any]:
    names = (
        "method",
        "completeness",
        "remark",
        "target_v",
        "tail_a",
        "done_a",
        "partial_a",
        "cv_s",
        "charge_ah",
        "simulated",
    )
    told = {name: getattr(balance, name) for name in names}
    rows = sorted(balance.cells.all(), key=lambda row: row.position)
    cells = [_cell_shape(row) for row in rows if row.completeness]
    return {"id": balance.pk} | told | {"superseded": superseded_shape(balance), "cells": cells}


def _cell_shape(row: CellBalance) -> dict[str, Any]:
    """Of a cell that was charged, or emptied, alone."""
    names = ("position", "completeness", "remark", "tail_a", "cv_s", "charge_ah", "rested_v")
    own = {name: getattr(row, name) for name in names}
    return {"serial": row.cell.serial, **own} | {
        "current_stopped_at": row.current_stopped_received_at
    }


def superseded_shape(record: Record) -> dict[str, Any] | None:
    back = getattr(record, "supersession", None)
    return {"at": back.at, "words": back.words} if back else None


def _reads(shown: RunShown) -> dict[str, Any] | None:
    """What is waited for from somebody who goes from cell to cell."""
    sheet = shown.reads
    if sheet is None:
        return None
    read = [asdict(one) for one in sheet.read]
    left = [{"position": n, "serial": sheet.serials[n]} for n in sheet.left]
    return {
        "step": sheet.step.name,
        "led": sheet.is_led,
        "read": read,
        "left": left,
        "again": sheet.is_second,
        "settling": sheet.settling or None,
        "unread": sheet.unread,
    }


def _ask(ask: Ask | None) -> dict[str, str] | None:
    return asdict(ask) if ask else None
