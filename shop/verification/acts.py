"""What people did, held against signatures: approvals, decisions of the gate, placements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from shop.evidence.canonical import approval_body, sha256_of
from shop.evidence.models import Approval
from shop.packs.models import GateDecision, Placement
from shop.signing.models import SigningKey
from shop.verification.faults import Fault
from shop.verification.keys import signature_of
from shop.verification.seals import Keys

AT_ONCE = 200


def faults(keys: Mapping[str, Keys], seen: Counter[str]) -> Iterator[Fault]:
    """`keys` by purpose; `seen` counts what was looked at."""
    for approval in _approvals():
        seen["approvals"] += 1
        if words := _approval_problem(approval, keys[SigningKey.Purpose.APPROVALS]):
            yield Fault("Approval", approval.pk, words)
    for decision in _decisions():
        seen["decisions"] += 1
        if words := _decision_problem(decision, keys[SigningKey.Purpose.DECISIONS]):
            yield Fault("GateDecision", decision.pk, words)
    for placement in _placements():
        seen["placements"] += 1
        if words := _placement_problem(placement):
            yield Fault("Placement", placement.pk, words)
    for decision in _allowed():
        if words := _missing_placement(decision):
            yield Fault("Placement", None, words)


def _approvals() -> Iterator[Approval]:
    rows = Approval.objects.select_related("cell", "key__retirement").order_by("pk")
    return rows.iterator(chunk_size=AT_ONCE)


def _decisions() -> Iterator[GateDecision]:
    rows = GateDecision.objects.select_related("pack", "key__retirement").order_by("pk")
    return rows.iterator(chunk_size=AT_ONCE)


def _allowed() -> Iterator[GateDecision]:
    rows = GateDecision.objects.filter(allowed=True).order_by("pk")
    rows = rows.select_related("pack__disassembly").prefetch_related("pack__placements__cell")
    return rows.iterator(chunk_size=AT_ONCE)


def _placements() -> Iterator[Placement]:
    rows = Placement.objects.select_related("cell", "pack__gate_decision").order_by("pk")
    return rows.iterator(chunk_size=AT_ONCE)


def _approval_problem(approval: Approval, trusted: Keys) -> str:
    cell = approval.cell.serial
    if sha256_of(approval.evidence) != approval.evidence_sha256:
        return f"the evidence for cell {cell} is not what its hash says: it was changed"
    if approval.evidence.get("serial") != cell:
        return f"the evidence is not about cell {cell}"
    signature = signature_of(approval.key, approval.signature, approval.at)
    body = approval_body(
        cell=cell,
        evidence_sha256=approval.evidence_sha256,
        approved_by=approval.approved_by_id,
        approver_role=approval.approver_role,
        at=approval.at,
        signature=approval.key.named if approval.key else {},
    )
    words = signature.problem(body, trusted)
    return f"cell {cell}: {words}" if words else ""


def _decision_problem(decision: GateDecision, trusted: Keys) -> str:
    serial = decision.plan.get("pack", "")
    if decision.pack is not None and decision.pack.serial != serial:
        return f"is about pack {serial}, not {decision.pack.serial}"
    signature = signature_of(decision.key, decision.signature, decision.at)
    body = decision.body(decision.key.named if decision.key else {})
    words = signature.problem(body, trusted)
    return f"pack {serial}: {words}" if words else ""


def _placement_problem(placement: Placement) -> str:
    cell, pack = placement.cell.serial, placement.pack.serial
    decision = getattr(placement.pack, "gate_decision", None)
    if decision is None or not decision.allowed:
        return f"cell {cell} is in pack {pack} without a decision of the gate"
    serials = decision.plan.get("serials", [])
    if serials[placement.position - 1 : placement.position] != [cell]:
        return f"the gate decided on another cell than {cell} at {placement.position} of {pack}"
    seen = decision.plan.get("evidence_sha256", {}).get(cell, "")
    if not Approval.objects.filter(cell=placement.cell, evidence_sha256=seen).exists():
        return f"the evidence of cell {cell} that the gate saw was never approved"
    return ""


def _missing_placement(decision: GateDecision) -> str:
    """The first cell that the gate allowed into the pack and that is not at its place in it.

    A cell leaves only when the whole pack is taken apart, so one that is gone otherwise may stand
    in a second pack.
    """
    if decision.pack is None:
        return ""
    apart = getattr(decision.pack, "disassembly", None)
    until = apart.at if apart else None
    placed = {p.position: p for p in decision.pack.placements.all() if p.removed_at == until}
    for position, serial in enumerate(decision.plan.get("serials", []), start=1):
        if position not in placed:
            return (
                f"the gate placed cell {serial} at {position} of {decision.pack.serial}: it is gone"
            )
    return ""
