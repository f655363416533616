"""The gate: before a pack exists, every rule gives its findings (G1-G10, F7).

Pure: a plan, the evidence of its cells, the policy and the time come in; findings go out.
Missing evidence blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Plan
from shop.packs.rules import (
    approval,
    balance,
    bms,
    capacity,
    disconnect,
    freshness,
    handling,
    identity,
    in_series,
    quality,
    simulated,
    spread,
    superseded,
)

RULES = (
    *(identity, approval, capacity, balance, disconnect, freshness, spread, quality),
    *(superseded, simulated, bms, in_series, handling),
)


def findings(
    plan: Plan, evidence: Mapping[str, CellEvidence], policy: GatePolicy, now: datetime
) -> list[Finding]:
    """Every rule's answer, in the order of the cells' positions within each rule.

    `evidence` is by serial; a serial of the plan that it lacks is a finding of its own.  `now`
    is wall time.
    """
    cells = [evidence[serial] for serial in dict.fromkeys(plan.serials) if serial in evidence]
    found: list[Finding] = []
    for rule in RULES:
        found.extend(rule.judge(plan, cells, policy, now))
    return found


def is_allowed(found: Iterable[Finding]) -> bool:
    """Whether a pack may be assembled: something was judged, and nothing blocks."""
    found = list(found)
    return bool(found) and not any(finding.blocks for finding in found)
