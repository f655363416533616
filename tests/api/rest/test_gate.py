"""The gate over HTTP: each thing it refuses, with rule, reason and fix, and no pack (G1-G7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from shop import clock
from shop.cells.models import Cell
from shop.evidence.models import Approval
from shop.evidence.queries import evidence_of_cells
from shop.packs.models import GateDecision, Pack, Placement
from shop.people.models import User
from tests import factories
from tests.api.clients import Api, logged_in
from tests.api.made import approved, assembled
from tests.cast import Cast, the_cast
from tests.shop.packs.factories import approve, charge, make_bank, make_capacity, make_design

AGO = timedelta(minutes=30)


@dataclass(frozen=True)
class Refused:
    """Who asks for which cells, and what the gate must say to it."""

    rules: set[str]
    verdict: str
    words: str
    cells: list[Cell]
    by: User
    application: str = "SOLAR"


def with_capacity(cells: list[Cell], *capacities_ah: float) -> list[Cell]:
    for cell, capacity_ah in zip(cells, capacities_ah or (200.0,) * 4, strict=True):
        make_capacity(cell, capacity_ah)
    return cells


def approve_by_hand(cells: list[Cell], by: User) -> None:
    """As no service would: the gate judges by itself."""
    for cell, known in zip(cells, evidence_of_cells(cells).values(), strict=True):
        row = Approval(
            cell=cell,
            evidence_sha256=known.sha256,
            evidence=known.body,
            approved_by=by,
            approver_role=by.role,
            at=clock.now(),
        )
        row.save()


def no_approval(cast: Cast) -> Refused:
    cells = with_capacity(make_bank(by=cast.tola, stopped=clock.now() - AGO).cells)
    return Refused({"G1"}, "missing", "is not approved", cells, cast.bayo)


def own_approval(cast: Cast) -> Refused:
    cells = with_capacity(make_bank(by=cast.sade, stopped=clock.now() - AGO).cells)
    approve_by_hand(cells, cast.sade)
    return Refused({"G1"}, "fail", "by the person who ran its balance", cells, cast.bayo)


def approved_by_who_assembles(cast: Cast) -> Refused:
    return Refused({"G1"}, "fail", "by the person who assembles", approved(cast).cells, cast.sade)


def a_partial_balance(cast: Cast) -> Refused:
    cut = charge(tail_a=3.1)
    cells = with_capacity(make_bank(by=cast.tola, stopped=clock.now() - AGO, record=cut).cells)
    approve_by_hand(cells, cast.sade)
    return Refused({"G3"}, "fail", "is partial: stopped at 3.10 A", cells, cast.bayo)


def a_cell_at_3_59_volts(cast: Cast) -> Refused:
    volts = [3.641, 3.59, 3.641, 3.641]
    cells = with_capacity(make_bank(by=cast.tola, stopped=clock.now() - AGO, volts=volts).cells)
    approve_by_hand(cells, cast.sade)
    return Refused({"G4"}, "fail", "too low at the disconnect check", cells, cast.bayo)


def a_check_16_minutes_late(cast: Cast) -> Refused:
    late = timedelta(minutes=16)
    cells = with_capacity(make_bank(by=cast.tola, stopped=clock.now() - AGO, age=late).cells)
    approve_by_hand(cells, cast.sade)
    return Refused({"G4"}, "missing", "checked too late", cells, cast.bayo)


def four_hours_and_a_second(cast: Cast) -> Refused:
    stopped = clock.now() - timedelta(hours=4, seconds=1)
    cells = with_capacity(make_bank(by=cast.tola, stopped=stopped).cells)
    approve(cells, by=cast.sade, now=clock.now())
    return Refused({"G5"}, "fail", "was not checked again", cells, cast.bayo)


def a_cell_in_another_pack(cast: Cast) -> Refused:
    taken = assembled(cast).placements.get(position=1).cell
    cells = [taken, *approved(cast).cells[1:]]
    return Refused({"G7"}, "fail", "is already in pack P-1", cells, cast.bayo)


def calibration_expired(cast: Cast) -> Refused:
    bank = make_bank(by=cast.tola, stopped=clock.now() - AGO, calibrated=False)
    for instrument in bank.run.station.instruments.all():
        factories.calibrate(instrument, now=clock.now(), days=-1.0, since_days=400.0)
    approve(with_capacity(bank.cells), by=cast.sade, now=clock.now())
    return Refused({"G7"}, "fail", "was out of calibration", bank.cells, cast.bayo)


def no_capacity_test(cast: Cast) -> Refused:
    cells = make_bank(by=cast.tola, stopped=clock.now() - AGO).cells
    for cell in cells[1:]:
        make_capacity(cell)
    approve_by_hand(cells, cast.sade)
    return Refused({"G2"}, "missing", "has no capacity test", cells, cast.bayo)


def capacity_spread_of_2_1_percent(cast: Cast) -> Refused:
    cells = make_bank(by=cast.tola, stopped=clock.now() - AGO).cells
    with_capacity(cells, 200.0, 200.0, 200.0, 204.2)
    approve(cells, by=cast.sade, now=clock.now())
    return Refused({"G2"}, "fail", "2.10 %", cells, cast.bayo)


def another_method(cast: Cast) -> Refused:
    return Refused(
        {"G3"}, "fail", "calls for a bottom balance", approved(cast).cells, cast.bayo, "EV"
    )


CASES = [
    no_approval,
    own_approval,
    approved_by_who_assembles,
    a_partial_balance,
    a_cell_at_3_59_volts,
    a_check_16_minutes_late,
    four_hours_and_a_second,
    a_cell_in_another_pack,
    calibration_expired,
    no_capacity_test,
    capacity_spread_of_2_1_percent,
    another_method,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_gate_refuses_with_reason_and_fix(case: Callable[[Cast], Refused]) -> None:
    cast = the_cast()
    refused = case(cast)
    packs, placements = Pack.objects.count(), Placement.objects.count()
    body: dict[str, Any] = {
        "serial": "P-77",
        "design": make_design(application=refused.application).name,
        "cells": [cell.serial for cell in refused.cells],
    }

    answer = Api(logged_in(refused.by)).post("packs", **body)

    said = answer.json()
    blocking = [f for f in said["findings"] if f["verdict"] in ("fail", "missing")]
    assert answer.status_code == 409
    assert {f["rule"] for f in blocking} >= refused.rules
    named = [f for f in blocking if f["rule"] in refused.rules]
    assert any(f["verdict"] == refused.verdict for f in named)
    assert any(refused.words in f["words"] for f in named), named
    assert all(f["why"] and f["fix"] for f in blocking)
    assert all(problem["words"] and problem["fix"] for problem in said["problems"])
    assert (Pack.objects.count(), Placement.objects.count()) == (packs, placements)
    assert GateDecision.objects.filter(allowed=False).count() == 1
