"""May this person approve this cell on this evidence (G1), and what still stands against it."""

from __future__ import annotations

from datetime import datetime

from shop.evidence import words
from shop.evidence.policy import GatePolicy
from shop.evidence.rules.balance import COMPLETE
from shop.evidence.rules.bottom import is_emptied, judge_parting
from shop.evidence.rules.capacity import capacity_problem
from shop.evidence.rules.doubts import doubts
from shop.evidence.rules.voltages import PASS
from shop.evidence.values import BalanceEvidence, CellEvidence
from shop.people.roles import Act, may
from shop.refusals import Problem


def open_nonconformances(evidence: CellEvidence) -> list[str]:
    """What still stands against a cell, in words.

    USE_AS_IS closes.  REWORK closes once a balance was recorded after the decision.  SCRAP
    never does.
    """
    found = []
    balanced_at = evidence.balance.recorded_at if evidence.balance else None
    for item in evidence.nonconformances:
        if item.decision == "USE_AS_IS":
            continue
        if item.decision == "SCRAP":
            found.append(f"{item.words} It was scrapped.")
        elif item.decision == "REWORK" and item.decided_at is not None:
            if balanced_at is None or balanced_at <= item.decided_at:
                found.append(f"{item.words} Rework was decided and has not been done.")
        else:
            found.append(item.words)
    return found


def approval_problems(
    evidence: CellEvidence,
    *,
    approver: int,
    approver_role: str,
    seen_sha256: str,
    policy: GatePolicy,
    now: datetime,
) -> list[Problem]:
    """Every reason why this person may not approve this cell on this evidence (G1)."""
    cell, found = evidence.serial, []
    if not may(approver_role, Act.APPROVE):
        found.append(
            Problem("role", "Only a supervisor approves cells.", "Ask a supervisor to approve.")
        )
    if seen_sha256 != evidence.sha256:
        found.append(
            Problem(
                "stale_evidence",
                f"The evidence of cell {cell} has changed since you looked at it.",
                "Load the approvals again, look at the cell, and approve what you see.",
            )
        )
    if approver in evidence.ran_by:
        found.append(
            Problem(
                "own_approval",
                f"You ran the balance of cell {cell}; two people see every cell.",
                "Ask another supervisor to approve it.",
            )
        )
    if evidence.approval is not None:
        found.append(
            Problem("already_approved", f"Cell {cell} is already approved on this evidence.")
        )
    return found + _evidence_problems(evidence, policy, now)


def _evidence_problems(evidence: CellEvidence, policy: GatePolicy, now: datetime) -> list[Problem]:
    """What keeps this evidence from being approvable by anyone."""
    cell, balance, reading = evidence.serial, evidence.balance, evidence.disconnect
    found = []
    if balance is None:
        found.append(_lacking("no_balance", cell, "no balance", "Balance it."))
    elif balance.broken is not None:
        shown = f"a balance that proves nothing: {balance.broken}"
        found.append(_lacking("broken_seal", cell, shown, "Balance it again."))
    elif balance.completeness != COMPLETE:
        remark = f" ({balance.remark})" if balance.remark else ""
        found.append(
            _lacking(
                "partial_balance", cell, f"only a partial balance{remark}", "Balance it again."
            )
        )
    if evidence.run_since is not None:
        found.append(
            _lacking("run_since", cell, "been on a bench since its balance", "Balance it again.")
        )
    if balance is not None and (reading is None or reading.run_id != balance.run_id):
        found.append(
            _lacking("no_disconnect_check", cell, f"no {_check(balance)}", "Balance it again.")
        )
    elif balance is not None and reading is not None and not _passed(evidence, policy):
        shown = f"a {_check(balance)} that did not pass ({words.volts(reading.voltage_v)})"
        found.append(_lacking("disconnect_check", cell, shown, "Open the cell to see its fix."))
    if evidence.capacity is None:
        found.append(_lacking("no_capacity", cell, "no capacity test", "Import or run one."))
    elif problem := capacity_problem(evidence.capacity, evidence.rated_ah, policy.capacity, now):
        found.append(
            _lacking("capacity", cell, f"no valid capacity test: {problem}", "Import or run one.")
        )
    found.extend(
        Problem("taken_back", doubt.words, doubt.fix)
        for doubt in doubts(evidence, policy.roles_of(balance.method if balance else ""))
    )
    found.extend(
        _lacking("nonconformance", cell, f"an open nonconformance: {item}", "Decide on it first.")
        for item in open_nonconformances(evidence)
    )
    return found


def _passed(evidence: CellEvidence, policy: GatePolicy) -> bool:
    return judge_parting(evidence, policy).verdict == PASS


def _check(balance: BalanceEvidence) -> str:
    return "bottom check" if is_emptied(balance) else "disconnect check"


def _lacking(code: str, cell: str, what: str, fix: str) -> Problem:
    return Problem(code, f"Cell {cell} has {what.rstrip('.')}.", fix)
