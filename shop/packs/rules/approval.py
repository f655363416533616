"""G1: each cell is approved by a supervisor who neither ran its job nor assembles.

An approval binds to the hash of the evidence that was seen; changed evidence has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.values import ApprovalEvidence, CellEvidence
from shop.packs.findings import EvidenceRef, Finding, Fix, Plan, Verdict
from shop.people.roles import Act, may

RULE = "G1"
WHY = "two people see every cell before it goes into a pack"


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    for cell in cells:
        approval = cell.approval
        yield _unapproved(cell, now) if approval is None else _approved(plan, cell, approval, now)


def _unapproved(cell: CellEvidence, now: datetime) -> Finding:
    newest = max(cell.approvals, key=lambda a: (a.at, a.id), default=None)
    if newest is None:
        return Finding(
            RULE,
            Verdict.MISSING,
            f"Cell {cell.serial} is not approved.",
            value="no approval",
            limit="one supervisor's approval",
            why=WHY,
            fix=Fix("approve", "Ask a supervisor who did not run its job to approve it."),
            cell=cell.serial,
        )
    return Finding(
        RULE,
        Verdict.FAIL,
        f"Cell {cell.serial} was approved, but its evidence has changed since.",
        value=f"approved {newest.evidence_sha256[:8]}",
        limit=f"evidence now {cell.sha256[:8]}",
        why="an approval counts for what was seen, and for nothing else",
        fix=Fix("approve", "Ask a supervisor to look at the cell again and approve it."),
        cell=cell.serial,
        evidence=(EvidenceRef.of("approval", newest.id, newest.at, now),),
    )


def _approved(plan: Plan, cell: CellEvidence, approval: ApprovalEvidence, now: datetime) -> Finding:
    refs = (EvidenceRef.of("approval", approval.id, approval.at, now),)
    ran_by = cell.ran_by
    if not may(approval.approver_role, Act.APPROVE):
        return Finding(
            RULE,
            Verdict.FAIL,
            f"Cell {cell.serial} was approved by someone who is not a supervisor.",
            value=approval.approver_role.lower(),
            limit="supervisor",
            why=WHY,
            fix=Fix("approve", "Ask a supervisor to approve it."),
            cell=cell.serial,
            evidence=refs,
        )
    if approval.approved_by in ran_by:
        return Finding(
            RULE,
            Verdict.FAIL,
            f"Cell {cell.serial} was approved by the person who ran its balance.",
            value="own approval",
            limit="another supervisor",
            why=WHY,
            fix=Fix("approve", "Balance it again under other hands, or have another supervisor."),
            cell=cell.serial,
            evidence=refs,
        )
    if approval.approved_by == plan.by:
        return Finding(
            RULE,
            Verdict.FAIL,
            f"Cell {cell.serial} was approved by the person who assembles.",
            value="own approval",
            limit="another person assembles",
            why=WHY,
            fix=Fix("other_assembler", "Let someone else assemble this pack."),
            cell=cell.serial,
            evidence=refs,
        )
    return Finding(
        RULE,
        Verdict.PASS,
        f"Cell {cell.serial} is approved by a supervisor on the evidence as it is now.",
        value=f"evidence {cell.sha256[:8]}",
        cell=cell.serial,
        evidence=refs,
    )
