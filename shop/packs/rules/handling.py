"""F7: posts that were handled too often, and studs that were fitted again, are warned of.

Never a refusal: a thread that is worn shows when the nut is torqued, and a person decides.
Source: [B] "Top Balancing LiFePo4 Cells using a low cost 10A benchtop power supply", section 1:
studs go into the posts once, with thread-locker, for the aluminium threads wear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Fix, Plan, Verdict

RULE = "F7"
WHY = "the threads in a cell's posts are aluminium and wear"
TORQUE = Fix(
    "torque", "Torque each nut and see that the stud does not turn; else take another cell."
)


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    found = [finding for cell in cells for finding in _warned(cell, policy)]
    if found or not cells:
        yield from found
        return
    unknown = sum(cell.stud_fittings == 0 for cell in cells)
    told = f" Of {unknown} cells nobody recorded the studs." if unknown else ""
    words = f"No cell's nuts were turned more than {policy.nut_handlings_max} times.{told}"
    yield Finding(RULE, Verdict.PASS, words)


def _warned(cell: CellEvidence, policy: GatePolicy) -> Iterator[Finding]:
    most = policy.nut_handlings_max
    if cell.nut_handlings > most:
        yield Finding(
            RULE,
            Verdict.WARNING,
            f"The nuts of cell {cell.serial} were turned {cell.nut_handlings} times.",
            value=f"{cell.nut_handlings} times",
            limit=f"{most} times, an estimate",
            why=WHY,
            fix=TORQUE,
            cell=cell.serial,
        )
    if cell.stud_fittings > 1:
        yield Finding(
            RULE,
            Verdict.WARNING,
            f"The studs of cell {cell.serial} were fitted {cell.stud_fittings} times.",
            value=f"{cell.stud_fittings} times",
            limit="once",
            why=WHY,
            fix=TORQUE,
            cell=cell.serial,
        )
