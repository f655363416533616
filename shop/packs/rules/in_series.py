"""G9: charging the assembled pack, or a string, never counts as a top balance (M2).

The first cell that is full ends such a charge, with the others where they were.  Source: [A]
mistake 2; [B] section 3, step 7: "mostly charged but they are not balanced".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding, Fix, Plan, Verdict

RULE = "G9"
WHY = "the first full cell ends it, and the others are left where they were"


def judge(
    plan: Plan, cells: Sequence[CellEvidence], policy: GatePolicy, now: datetime
) -> Iterator[Finding]:
    found = [_only_charged(cell) for cell in cells if _rests_on_series(cell)]
    if found:
        yield from found
        return
    whole = bool(cells) and all(cell.balance is not None for cell in cells)
    yield Finding(
        RULE,
        Verdict.PASS if whole else Verdict.NOT_APPLICABLE,
        "Each balance was of cells in parallel, or alone, before they were put in series."
        if whole
        else "No balance to judge. Charging an assembled pack would be none: its BMS stops at the "
        "first full cell, not when all are.",
    )


def _rests_on_series(cell: CellEvidence) -> bool:
    """Charged in series, and never balanced since."""
    run = cell.series_run
    return run is not None and (cell.balance is None or run > cell.balance.run_id)


def _only_charged(cell: CellEvidence) -> Finding:
    return Finding(
        RULE,
        Verdict.MISSING,
        f"Cell {cell.serial} was charged in series in run {cell.series_run}; charging a string or "
        "the assembled pack never counts as a top balance.",
        value="charged in series",
        limit="a balance after it",
        why=WHY,
        fix=Fix("balance", "Give the cell a top balance in parallel, or alone."),
        cell=cell.serial,
    )
