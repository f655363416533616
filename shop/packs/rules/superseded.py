"""What was superseded stands for nothing, whatever it says (T4): it blocks its own rule.

A withdrawn calibration is judged with the other calibrations, by G7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.rules.doubts import Doubt, Part, doubts
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Fix, Plan, Verdict
from shop.packs.rules import balance, capacity, disconnect, freshness

RULES: Mapping[Part, str] = {
    Part.CAPACITY: capacity.RULE,
    Part.BALANCE: balance.RULE,
    Part.PRE_PARALLEL: balance.RULE,
    Part.DISCONNECT: disconnect.RULE,
    Part.RECHECK: freshness.RULE,
}


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    for cell in cells:
        yield from (_blocked(cell, d, RULES[d.part]) for d in doubts(cell) if d.part in RULES)


def _blocked(cell: CellEvidence, doubt: Doubt, rule: str) -> Finding:
    return Finding(
        rule,
        Verdict.FAIL,
        doubt.words,
        value="superseded",
        limit="standing evidence",
        why="who took it back knew something that the figures do not show",
        fix=Fix("new_evidence", doubt.fix),
        cell=cell.serial,
    )
