"""What a supervisor may look at: cells that were balanced and are not yet approved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.reads.cells import AT_MOST
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import evidence_of_cells, gate_policy
from shop.evidence.rules.approval import approval_problems
from shop.evidence.values import CellEvidence
from shop.packs.queries import unpacked_with_balance
from shop.people.models import User
from shop.people.roles import Act, may
from shop.refusals import Problem

OF_THE_PERSON = frozenset({"role", "own_approval"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """One cell's evidence as it stands, and what keeps this person from approving it."""

    evidence: CellEvidence
    problems: list[Problem]
    batch: str


def waiting(by: User, *, now: datetime) -> list[Waiting]:
    """Cells whose evidence as it stands nobody approved: ready ones first, newest balance first."""
    cells = list(unpacked_with_balance()[:AT_MOST])
    if not cells:
        return []
    _, policy = gate_policy()
    seen = evidence_of_cells(cells)
    found = [
        Waiting(
            seen[cell.serial],
            _problems(seen[cell.serial], by, policy, now),
            cell.batch.code,
        )
        for cell in cells
        if seen[cell.serial].approval is None
    ]
    return sorted(found, key=lambda shown: bool(shown.problems))


def _problems(evidence: CellEvidence, by: User, policy: GatePolicy, now: datetime) -> list[Problem]:
    """Of the person only where they could approve at all: others see what the cell lacks."""
    found = approval_problems(
        evidence,
        approver=by.pk,
        approver_role=by.role,
        seen_sha256=evidence.sha256,
        policy=policy,
        now=now,
    )
    if may(by.role, Act.APPROVE):
        return found
    return [problem for problem in found if problem.code not in OF_THE_PERSON]
