"""G8: the pack's BMS keeps its cells within what they were balanced for, and goes on balancing.

A BMS that lets a cell run above the balance target takes it where the cells never met.  Sources:
[B] section 4 note 2 ("charge to a voltage that is above the max cell voltage your BMS will be set
to"); [A] active balancers of 1 to 2 A for solar.
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
EXACT_V = 1e-6
WHY_OVER = "beyond the voltage at which they met, cells drift apart and one goes over first"
WHY_BALANCER = "a pack that is full every day is kept together by its balancer"


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    yield _over_voltage(plan, cells)
    yield _balancer(plan, policy)


def _over_voltage(plan: Plan, cells: Sequence[CellEvidence]) -> Finding:
    said = f"BMS over-voltage {volts(plan.bms_over_v)} per cell"
    targets = [
        c.balance.target_v for c in cells if c.balance and meeting(c.balance.method) == "TOP"
    ]
    if not targets:
        words = "No cell was balanced at the top, so no target binds the BMS's over-voltage."
        return Finding(RULE, Verdict.NOT_APPLICABLE, words, value=said)
    lowest_v = min(targets)
    if plan.bms_over_v <= lowest_v + EXACT_V:
        words = "The BMS opens at or below the voltage at which the cells were balanced."
        return Finding(RULE, Verdict.PASS, words, value=said, limit=f"≤ {volts(lowest_v)}")
    return Finding(
        RULE,
        Verdict.FAIL,
        "The BMS would let a cell run above the voltage at which the cells were balanced.",
        value=said,
        limit=f"≤ {volts(lowest_v)}, the balance target",
        why=WHY_OVER,
        fix=Fix(
            "bms_setting",
            f"Choose a design whose BMS is set to {volts(lowest_v)} or less, or balance the cells "
            "to a higher target.",
        ),
    )


def _balancer(plan: Plan, policy: GatePolicy) -> Finding:
    amps, allowed = plan.bms_balance_a, policy.balancer_a
    if plan.application != "SOLAR":
        words = "An active balancer is asked for in solar packs only."
        return Finding(RULE, Verdict.NOT_APPLICABLE, words)
    value = f"{amps:g} A active" if amps > 0 else "passive"
    limit = f"{allowed.low:g} … {allowed.high:g} A active"
    if allowed.contains(amps):
        words = "The BMS balances actively, as solar packs want it."
        return Finding(RULE, Verdict.PASS, words, value=value, limit=limit)
    return Finding(
        RULE,
        Verdict.WARNING,
        "The BMS balances passively only: expect 30–80 mV of spread after a month of solar use."
        if amps == 0
        else "The BMS's active balancing is not what solar packs want.",
        value=value,
        limit=limit,
        why=WHY_BALANCER,
        fix=Fix("bms_balancer", f"Choose a BMS with {limit} balancing, or read the pack monthly."),
    )
