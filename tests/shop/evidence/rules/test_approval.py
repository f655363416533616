"""G1: who may approve what, on which evidence; what still stands against a cell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shop.evidence.policy import GatePolicy
from shop.evidence.rules.approval import approval_problems
from shop.evidence.values import CellEvidence, NonconformanceEvidence
from shop.jobs.policies import Policy
from tests.shop.evidence.builders import (
    NOW,
    STOPPED,
    SUPERVISOR,
    TECHNICIAN,
    balance,
    capacity,
    cell,
    disconnect,
)


def codes(evidence: CellEvidence, **changes: Any) -> list[str]:
    asked: dict[str, Any] = {
        "approver": SUPERVISOR,
        "approver_role": "SUPERVISOR",
        "seen_sha256": evidence.sha256,
    }
    found = approval_problems(
        evidence, **(asked | changes), policy=GatePolicy.of(Policy()), now=NOW
    )
    assert all(problem.words for problem in found)
    return [problem.code for problem in found]


def fresh(**changes: Any) -> CellEvidence:
    return cell("C-1", approve=False, **changes)


def test_a_supervisor_may_approve_good_evidence() -> None:
    assert codes(fresh()) == []


@pytest.mark.parametrize("role", ["TECHNICIAN", "STRANGER", ""])
def test_nobody_else_may(role: str) -> None:
    assert codes(fresh(), approver_role=role) == ["role"]


def test_not_who_ran_the_job() -> None:
    assert codes(fresh(), approver=TECHNICIAN) == ["own_approval"]


def test_not_on_evidence_that_changed() -> None:
    assert codes(fresh(), seen_sha256="0" * 64) == ["stale_evidence"]


def test_not_twice() -> None:
    assert codes(cell("C-1")) == ["already_approved"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"balance": None}, "no_balance"),
        ({"balance": balance(completeness="PARTIAL")}, "partial_balance"),
        ({"disconnect": None}, "no_disconnect_check"),
        ({"disconnect": disconnect(run_id=3)}, "no_disconnect_check"),
        ({"disconnect": disconnect(3.59)}, "disconnect_check"),
        ({"disconnect": disconnect(age=timedelta(minutes=16))}, "disconnect_check"),
        ({"capacity": None}, "no_capacity"),
        ({"capacity": capacity(20.0)}, "capacity"),
        ({"run_since": 12}, "run_since"),
        (
            {"nonconformances": (NonconformanceEvidence(1, "OTHER", "Swollen.", STOPPED),)},
            "nonconformance",
        ),
    ],
)
def test_not_on_evidence_that_does_not_carry_it(changes: dict[str, Any], code: str) -> None:
    assert codes(fresh(**changes)) == [code]


def test_says_everything_at_once() -> None:
    found = codes(fresh(balance=None, disconnect=None, capacity=None), approver_role="TECHNICIAN")

    assert found == ["role", "no_balance", "no_capacity"]
