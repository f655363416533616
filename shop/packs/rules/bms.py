"""G8: what keeps a pack balanced.

The BMS opens a cell at or below the voltage at which the cells met, else it lets them part above
it; solar packs have an active balancer.  Source: [A] "Top Balancing vs Bottom Balancing", the five
mistakes: "active BMS balancing at 1 to 2A maintains alignment".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.rules.balance import meeting
from shop.evidence.values import CellEvidence
from shop.evidence.words import volts
from shop.packs.findings import Finding, Fix, Plan, Verdict

RULE = "G8"


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    if plan.bms_over_voltage_v is not None:
        yield from _over_voltage(plan.bms_over_voltage_v, cells)
    if plan.bms_active_balance_a is not None and plan.application == "SOLAR":
        yield _balancer(plan.bms_active_balance_a, policy)


def _over_voltage(bms_v: float, cells: Sequence[CellEvidence]) -> Iterator[Finding]:
    """Of cells that met at the top; those that met at the bottom part above it by design."""
    targets = [
        cell.balance.target_v
        for cell in cells
        if cell.balance is not None and meeting(cell.balance.method) == "TOP"
    ]
    if not targets:
        return
    fits = bms_v <= min(targets) + 1e-9
    yield Finding(
        RULE,
        Verdict.PASS if fits else Verdict.FAIL,
        f"The BMS lets a cell run to {volts(bms_v)}; the cells met at {volts(min(targets))}.",
        value=volts(bms_v),
        limit=f"≤ {volts(min(targets))}",
        why="" if fits else "above the voltage where they met nothing holds the cells together",
        fix=None
        if fits
        else Fix("bms", "Choose a design whose BMS opens lower, or balance the cells higher."),
    )


def _balancer(balancer_a: float, policy: GatePolicy) -> Finding:
    window = policy.balancer_a
    fits = window.contains(balancer_a)
    how = f"balances with {balancer_a:g} A" if balancer_a else "balances passively"
    return Finding(
        RULE,
        Verdict.PASS if fits else Verdict.WARNING,
        f"The BMS {how}.",
        value=f"{balancer_a:g} A",
        limit=f"{window.low:g} … {window.high:g} A, active",
        why="" if fits else "cells part from the first day on, and such a balancer falls behind",
        fix=None if fits else Fix("bms", "Choose a BMS with an active balancer for solar."),
    )
