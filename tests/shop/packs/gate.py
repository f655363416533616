"""Asking the gate in tests: a plan of the given cells, and what one rule says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence
from shop.jobs.policies import Policy
from shop.packs.findings import Finding, Plan
from shop.packs.rules import findings
from tests.shop.evidence.builders import ASSEMBLER, NOW, cell

POLICY = GatePolicy.of(Policy())


def bank(count: int = 4, **changes: Any) -> list[CellEvidence]:
    return [cell(f"C-{n}", **changes) for n in range(1, count + 1)]


def spoil(**changes: Any) -> list[CellEvidence]:
    """A good bank whose second cell is changed before its approval."""
    cells = bank()
    cells[1] = cell("C-2", **changes)
    return cells


def plan(serials: tuple[str, ...], **changes: Any) -> Plan:
    asked = Plan(len(serials), 1, "SOLAR", serials, ASSEMBLER)
    return replace(asked, **changes)


def ask(
    cells: list[CellEvidence], *, policy: GatePolicy = POLICY, now: datetime = NOW, **changes: Any
) -> list[Finding]:
    evidence: Mapping[str, CellEvidence] = {c.serial: c for c in cells}
    return findings(plan(tuple(c.serial for c in cells), **changes), evidence, policy, now)


def blocking(found: list[Finding], rule: str = "") -> list[Finding]:
    return [f for f in found if f.blocks and f.rule == (rule or f.rule)]


def only(found: list[Finding], rule: str) -> Finding:
    """The single blocking finding, which must be of `rule`."""
    refused = blocking(found)
    assert [f.rule for f in refused] == [rule], refused
    return refused[0]


def says_all(finding: Finding) -> bool:
    """Every refusal says what, the value, the limit, why, and what to do."""
    fix = finding.fix
    return bool(
        finding.words and finding.value and finding.limit and finding.why and fix and fix.words
    )


MOMENT = timedelta(seconds=1)
