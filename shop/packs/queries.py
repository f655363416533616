"""Reads of packs: the plan as a value, and what the gate says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shop.cells.models import Cell
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import evidence_of_cells
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Plan
from shop.packs.models import PackDesign
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
    )


def judged(plan: Plan, cells: Sequence[Cell], policy: GatePolicy, now: datetime) -> Judged:
    """Read the evidence of the plan's cells and ask the gate."""
    evidence = evidence_of_cells(cells)
    return Judged(plan, evidence, findings(plan, evidence, policy, now))
