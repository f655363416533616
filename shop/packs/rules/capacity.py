"""G2: each cell has a valid capacity test, and together they differ by 2 % at most.

Spread is (max − min) / median of the capacities in ampere-hours; a policy may choose each
cell's distance from its own rating instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from shop.evidence.policy import CapacityLimits, GatePolicy
from shop.evidence.rules.capacity import capacity_problem
from shop.evidence.values import CapacityEvidence, CellEvidence
from shop.evidence.words import percent
from shop.packs.findings import EvidenceRef, Finding, Fix, Plan, Verdict

RULE = "G2"
ROUNDING = 1e-9  # a spread of exactly the limit passes whatever the division leaves
IMPORT = Fix("import_capacity", "Test the cell, or import the file with its capacity test.")


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    for cell in cells:
        yield _single(plan, cell, policy.capacity, now)
    yield _spread(plan, cells, policy.capacity)


def _single(plan: Plan, cell: CellEvidence, limits: CapacityLimits, now: datetime) -> Finding:
    test = cell.capacity
    if test is None:
        return Finding(
            RULE,
            Verdict.MISSING,
            f"Cell {cell.serial} has no capacity test.",
            value="no capacity test",
            limit="one valid test",
            why="a weak cell ends every discharge of the whole pack",
            fix=IMPORT,
            cell=cell.serial,
        )
    refs = (EvidenceRef.of("capacity test", test.id, test.tested_at, now),)
    value = f"{test.capacity_ah:.1f} Ah"
    if problem := capacity_problem(test, cell.rated_ah, limits, now):
        return Finding(
            RULE,
            Verdict.FAIL,
            f"The capacity test of cell {cell.serial} is not valid: {problem}.",
            value=value,
            limit=f"{limits.low_share * cell.rated_ah:.0f} … "
            f"{limits.high_share * cell.rated_ah:.0f} Ah",
            why="a slip in a file is not a capacity",
            fix=IMPORT,
            cell=cell.serial,
            evidence=refs,
        )
    if test.source == "IMPORTED" and not (limits.imported_allowed or plan.sample):
        return Finding(
            RULE,
            Verdict.FAIL,
            f"The capacity of cell {cell.serial} was imported, which this policy does not accept.",
            value="imported",
            limit="measured here",
            why="an imported figure is weaker evidence than our own",
            fix=Fix("test_capacity", "Test the cell here, or ask a supervisor about the policy."),
            cell=cell.serial,
            evidence=refs,
        )
    return Finding(
        RULE,
        Verdict.PASS,
        f"Cell {cell.serial} has a valid capacity test, {_origin(test)}.",
        value=value,
        cell=cell.serial,
        evidence=refs,
    )


def _origin(test: CapacityEvidence) -> str:
    if test.source == "IMPORTED":
        return f"imported from {test.file_name}, line {test.row}"
    return "measured here"


def _spread(plan: Plan, cells: Sequence[CellEvidence], limits: CapacityLimits) -> Finding:
    known = [cell.capacity.capacity_ah for cell in cells if cell.capacity is not None]
    limit = f"≤ {percent(limits.spread_max)}"
    if not known or len(known) < len(set(plan.serials)):
        return Finding(
            RULE,
            Verdict.MISSING,
            "The spread of capacities is not known: a cell has no capacity test.",
            value=f"{len(known)} of {len(set(plan.serials))} cells",
            limit=limit,
            why="cells of different capacity drift apart in series",
            fix=IMPORT,
        )
    spread, of = _difference(cells, known, limits.basis)
    matched = spread <= limits.spread_max + ROUNDING
    return Finding(
        RULE,
        Verdict.PASS if matched else Verdict.FAIL,
        f"The capacities lie between {min(known):.1f} and {max(known):.1f} Ah, "
        f"{percent(spread)} {of}.",
        value=percent(spread),
        limit=limit,
        why="" if matched else "cells of different capacity drift apart in series",
        fix=None if matched else Fix("choose_cell", "Choose cells that are closer together."),
    )


def _difference(
    cells: Sequence[CellEvidence], known: Sequence[float], basis: str
) -> tuple[float, str]:
    """How far apart the capacities are as a share, and of what: the group, or each rating."""
    if basis == "group":
        return (max(known) - min(known)) / median(known), "of their median apart"
    off = [abs(c.capacity.capacity_ah / c.rated_ah - 1.0) for c in cells if c.capacity]
    return max(off), "off their rating at most"
