"""The surge when unequal cells are joined, before anybody has measured them (B3).  Pure."""

from __future__ import annotations

from dataclasses import dataclass

from stations.procedures.joining import peak_c_rate
from stations.procedures.rules import ParallelRule
from stations.procedures.steps import Measure, Program

SPREADS_V = (0.020, 0.050, 0.100, 0.150)


@dataclass(frozen=True, slots=True)
class Surge:
    """Cells of which one lies so far below the others: its peak, and whether it may be joined."""

    spread_v: float
    peak_a: float
    peak_c: float
    verdict: str  # "pass", "marginal" (warned of), "fail" (refused)


def surges(program: Program) -> tuple[Surge, ...]:
    """The worst that each spread may bring; nothing for a program that joins no cells."""
    rules = [
        step.rule
        for step in program.steps
        if isinstance(step, Measure) and isinstance(step.rule, ParallelRule)
    ]
    if not rules or program.cells < 2:
        return ()
    return tuple(_surge(rules[0], program.cells, spread_v) for spread_v in SPREADS_V)


def _surge(rule: ParallelRule, cells: int, spread_v: float) -> Surge:
    peak_c = peak_c_rate(rule, (0.0, *(spread_v,) * (cells - 1)))
    if spread_v > rule.spread_max_v or peak_c > rule.peak_max_c:
        verdict = "fail"
    else:
        verdict = "marginal" if peak_c > rule.peak_warn_c else "pass"
    return Surge(spread_v, peak_c * rule.capacity_ah, peak_c, verdict)
