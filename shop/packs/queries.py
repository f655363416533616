"""Reads of packs: the plan as a value, and what the gate says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from shop.cells.models import Cell
from shop.evidence.models import CellBalance
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import evidence_of_cells
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Plan
from shop.packs.models import PackDesign, Placement
from shop.packs.rules import findings
from shop.people.models import User


@dataclass(frozen=True, slots=True)
class Judged:
    """A plan, the evidence that it was judged by, and every finding."""

    plan: Plan
    evidence: Mapping[str, CellEvidence]
    findings: list[Finding]


def plan_of(
    design: PackDesign, cells: Sequence[Cell], by: User, *, simulated: bool, sample: bool
) -> Plan:
    """The cells by position from 1, as they were given: the gate sees a cell that comes twice."""
    return Plan(
        series=design.series,
        parallel=design.parallel,
        application=design.application,
        serials=tuple(cell.serial for cell in cells),
        by=by.pk,
        simulated=simulated,
        sample=sample,
        bms_over_voltage_v=design.bms_over_voltage_v,
        bms_active_balance_a=design.bms_active_balance_a,
    )


def judged(plan: Plan, cells: Sequence[Cell], policy: GatePolicy, now: datetime) -> Judged:
    """Read the evidence of the plan's cells and ask the gate."""
    evidence = evidence_of_cells(cells)
    return Judged(plan, evidence, findings(plan, evidence, policy, now))


def unpacked_with_balance() -> QuerySet[Cell]:
    """Cells in no pack whose balance is younger than any pack they were in, newest first."""
    packed = Placement.objects.filter(cell=OuterRef("pk"), removed_at=None)
    since = Placement.objects.filter(
        cell=OuterRef("cell"), removed_at__gte=OuterRef("balance__recorded_at")
    )
    newest = CellBalance.objects.filter(~Exists(since), cell=OuterRef("pk")).order_by("-balance_id")
    return (
        Cell.objects.filter(~Exists(packed), Exists(newest))
        .annotate(newest_balance=newest.values("balance_id")[:1])
        .select_related("batch__cell_type")
        .order_by("-newest_balance", "serial")
    )
