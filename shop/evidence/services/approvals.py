"""A supervisor approves cells on the evidence that was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from shop.cells.models import Cell
from shop.cells.services import lock_cells
from shop.evidence import queries
from shop.evidence.canonical import approval_body
from shop.evidence.models import (
    Approval,
)
from shop.evidence.rules.approval import approval_problems
from shop.evidence.values import CellEvidence
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, StaleTransition, refuse
from shop.signing.models import SigningKey
from shop.signing.services import Signer, signer


def approve_cells(
    *, cells: Sequence[Cell], evidence_sha256: Mapping[str, str], by: User, now: datetime
) -> list[Approval]:
    """A supervisor approves cells on the evidence that was seen (G1), all or none.

    `evidence_sha256` is by serial: the hash that came with what was shown.
    """
    require(by.role, Act.APPROVE)
    _, policy = queries.gate_policy()
    refuse(_asked_problems(cells, evidence_sha256))
    with transaction.atomic():
        # Two approvers of one cell take turns; the second is told that it is approved.
        lock_cells(cells)
        evidence = queries.evidence_of_cells(cells)
        refuse(
            problem
            for cell in cells
            for problem in approval_problems(
                evidence[cell.serial],
                approver=by.pk,
                approver_role=by.role,
                seen_sha256=evidence_sha256.get(cell.serial, ""),
                policy=policy,
                now=now,
            )
        )
        office = signer(SigningKey.Purpose.APPROVALS, now=now)
        approvals = [_approval(cell, evidence[cell.serial], by, office, now) for cell in cells]
        try:
            with transaction.atomic():
                return Approval.objects.bulk_create(approvals)
        except IntegrityError as error:
            raise StaleTransition("A cell", "without approval") from error


def _approval(
    cell: Cell, evidence: CellEvidence, by: User, office: Signer, now: datetime
) -> Approval:
    approval = Approval(
        cell=cell,
        evidence_sha256=evidence.sha256,
        evidence=evidence.body,
        approved_by=by,
        approver_role=by.role,
        at=now,
        key=office.key,
    )
    approval.signature = office.sign(
        approval_body(
            cell=cell.serial,
            evidence_sha256=approval.evidence_sha256,
            approved_by=by.pk,
            approver_role=approval.approver_role,
            at=now,
            signature=office.named,
        )
    )
    return approval


def _asked_problems(cells: Sequence[Cell], evidence_sha256: Mapping[str, str]) -> list[Problem]:
    serials = [cell.serial for cell in cells]
    if not serials:
        return [Problem("no_cells", "No cell was chosen.", "Choose the cells to approve.")]
    if len(set(serials)) < len(serials) or set(evidence_sha256) != set(serials):
        return [
            Problem(
                "cells_and_evidence",
                "The cells and the evidence that was seen do not match one to one.",
                "Load the approvals again and approve what you see.",
            )
        ]
    return []
