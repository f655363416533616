"""G10, as far as one plan shows it: known cells, each once, as many as the design has places.

That two requests never share a cell is held by the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Fix, Plan, Verdict

RULE = "G10"


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    known = {cell.serial for cell in cells}
    for serial, times in Counter(plan.serials).items():
        if serial not in known:
            yield Finding(
                RULE,
                Verdict.MISSING,
                f"Nothing is known of a cell {serial}.",
                why="a pack is made of cells with a history",
                fix=Fix("choose_cell", "Scan the cell's label again, or receive the cell first."),
                cell=serial,
            )
        if times > 1:
            yield Finding(
                RULE,
                Verdict.FAIL,
                f"Cell {serial} stands in the plan {times} times.",
                value=f"{times} places",
                limit="1 place",
                why="one cell fills one place",
                fix=Fix("choose_cell", "Scan the cells again, each one once."),
                cell=serial,
            )
    count, wanted = len(plan.serials), plan.cell_count
    shape = f"{plan.series}S{plan.parallel}P"
    right = count == wanted and wanted > 0
    yield Finding(
        RULE,
        Verdict.PASS if right else Verdict.FAIL,
        f"The plan has {count} cells; {shape} has {wanted} places.",
        value=f"{count} cells",
        limit=f"{wanted} cells",
        why="" if right else "every place needs one cell",
        fix=None if right else Fix("choose_cell", f"Choose {wanted} cells, or another design."),
    )
