"""Evidence of a simulated bench is for packs that are marked simulated, and for no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Fix, Plan, Verdict

RULE = "simulated"


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    dreamt = [cell.serial for cell in cells if _is_simulated(cell)]
    if plan.simulated:
        yield Finding(
            RULE,
            Verdict.NOT_APPLICABLE,
            "The pack is marked simulated; evidence of simulated benches counts.",
            value=f"{len(dreamt)} of {len(cells)} cells simulated",
        )
    elif dreamt:
        yield Finding(
            RULE,
            Verdict.FAIL,
            f"The evidence of {', '.join(dreamt)} comes from a simulated bench.",
            value=f"{len(dreamt)} of {len(cells)} cells simulated",
            limit="none",
            why="a model proves nothing about a real cell",
            fix=Fix(
                "choose_cell", "Balance the cells on a real bench, or mark the pack simulated."
            ),
        )
    else:
        yield Finding(RULE, Verdict.PASS, "All evidence comes from real benches.")


def _is_simulated(cell: CellEvidence) -> bool:
    parts = (cell.capacity, cell.balance, cell.disconnect, cell.recheck)
    return any(part.simulated for part in parts if part is not None)
