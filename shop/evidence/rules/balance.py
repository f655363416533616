"""What a finished, or a cut, charge or discharge is worth as a balance (B2, B9, M5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stations.procedures.state import Record, has_rested
from stations.values import OffProof

COMPLETE, PARTIAL = "COMPLETE", "PARTIAL"
ESSENTIALLY = "essentially balanced"
DONE = "done"
# What the bench remarks when its own end rule held: at target, output proven on, tail held.
HELD = frozenset({DONE, ESSENTIALLY})
REMARK_MAX = 200  # as long as it is stored
ON_THE_WAY = "stopped at a voltage on the way to the target"

# How a balance was done, and which of the two meetings of the cells it is (G3).
TOP, BOTTOM = "TOP", "BOTTOM"
WORDS: Mapping[str, str] = {
    "TOP": "top balance",
    "TOP_STEP": "step-and-pause top balance",
    "TOP_CELL": "individual top balance",
    "BOTTOM": "bottom balance",
}


def meeting(method: str) -> str:
    """TOP or BOTTOM: where the cells met, however it was done."""
    return TOP if method.startswith(TOP) else method


@dataclass(frozen=True, slots=True)
class BalanceFigures:
    """The last charge of a run, its currents with the ammeter's zero taken out.

    Of an emptied cell: the last current of its taper, what went in (below 0), and its rest.
    """

    completeness: str
    remark: str
    tail_a: float
    done_a: float
    partial_a: float
    cv_s: float  # over all charges of the run to its target
    charge_ah: float  # over all charges of the run
    rested_v: float | None = None


def completeness(
    *, held: bool, tail_a: float, done_a: float, partial_a: float, cv_s: float, cv_min_s: float
) -> tuple[str, str]:
    """What a CV hold is worth, with a remark.

    `held`: the bench's end rule was met.  A charge that was cut is partial whatever its last
    current was: an output that is off reads no current either.  Complete at the tail, or between
    the two limits as "essentially balanced"; NaN is partial.
    """
    if not held:
        return PARTIAL, "cut short"
    if not cv_s >= cv_min_s:
        return PARTIAL, f"short of its CV time: {cv_s / 60:.0f} of {cv_min_s / 60:.0f} min"
    if tail_a <= done_a:
        return COMPLETE, ""
    if tail_a <= partial_a:
        return COMPLETE, ESSENTIALLY
    return PARTIAL, f"stopped at {tail_a:.2f} A, above {partial_a:.2f} A"


def balance_of(records: Sequence[Record]) -> BalanceFigures | None:
    """The balance that a run's records show; None where the current never came to a CV hold.

    The last charge decides: a refresh hold that was cut leaves a partial balance.  Where cells
    were charged one by one, those that came to their hold count: the worst of each figure.
    Cells that were discharged after it have none, but by a taper to the bottom.
    """
    cells = cells_of(records)
    if cells:
        return _all_of(cells)
    if any(record.kind == "discharge" for record in records):
        return None
    return _one_of(records)


def cells_of(records: Sequence[Record]) -> dict[int, BalanceFigures]:
    """By position, the balance of each cell that was charged alone and came to its hold.

    Or of each that was emptied alone, and came to the cut-off once.
    """
    figures = {
        cell: _own_of([record for record in records if record.cell == cell])
        for cell in sorted({record.cell for record in records if record.cell})
    }
    return {cell: own for cell, own in figures.items() if own is not None}


def _all_of(cells: Mapping[int, BalanceFigures]) -> BalanceFigures:
    partial = [cell for cell, own in cells.items() if own.completeness != COMPLETE]
    said = [f"cell {cell}: {own.remark}" for cell, own in cells.items() if own.remark]
    return BalanceFigures(
        completeness=PARTIAL if partial else COMPLETE,
        remark="; ".join(said)[:REMARK_MAX],
        tail_a=max(own.tail_a for own in cells.values()),
        done_a=min(own.done_a for own in cells.values()),
        partial_a=min(own.partial_a for own in cells.values()),
        cv_s=min(own.cv_s for own in cells.values()),
        charge_ah=sum(own.charge_ah for own in cells.values()),
    )


def stopped_of(records: Sequence[Record]) -> dict[int, OffProof]:
    """By position, when the current of each cell that was driven alone last stopped."""
    return {record.cell: record.stopped for record in records if record.cell and record.stopped}


def _own_of(records: Sequence[Record]) -> BalanceFigures | None:
    emptied = [record for record in records if record.kind == "discharge"]
    return _emptied(records, emptied) if emptied else _one_of(records)


def _emptied(records: Sequence[Record], emptied: Sequence[Record]) -> BalanceFigures | None:
    """One cell's taper: complete where its last current came to the cut-off and it rested (B9)."""
    last, facts = emptied[-1], dict(emptied[-1].facts)
    if not any(DONE in record.remarks for record in emptied):
        return None
    rests = [r for r in records if has_rested(r) and r.entered_at >= last.ended_at]
    tail_a, taper_a = facts["current_a"], facts.get("taper_a", 0.0)
    if DONE not in last.remarks:
        verdict, remark = PARTIAL, f"cut short at {tail_a:.2f} A"
    elif not tail_a <= taper_a:
        verdict, remark = PARTIAL, f"stopped at {tail_a:.2f} A, above {taper_a:.2f} A"
    elif not rests:
        verdict, remark = PARTIAL, "did not rest"
    else:
        verdict, remark = COMPLETE, ""
    said = [w for record in emptied for w in record.remarks if w not in (DONE, "cut short")]
    return BalanceFigures(
        completeness=verdict,
        remark="; ".join(filter(None, (remark, *dict.fromkeys(said))))[:REMARK_MAX],
        tail_a=tail_a,
        done_a=taper_a,
        partial_a=taper_a,
        cv_s=0.0,
        charge_ah=-sum(dict(record.facts)["drawn_ah"] for record in emptied),
        rested_v=dict(rests[-1].facts)["voltage_v"] if rests else None,
    )


def _one_of(records: Sequence[Record]) -> BalanceFigures | None:
    charges = [
        (record, dict(record.facts)) for record in records if record.kind in ("charge", "stage")
    ]
    if not any(facts["cv_s"] > 0.0 for _, facts in charges):
        return None
    last, facts = charges[-1]
    verdict, remark = completeness(
        held=not HELD.isdisjoint(last.remarks),
        tail_a=facts["tail_a"],
        done_a=facts["done_a"],
        partial_a=facts["partial_a"],
        cv_s=facts["cv_s"],
        cv_min_s=facts["cv_min_s"],
    )
    if last.kind == "stage":
        verdict, remark = PARTIAL, ON_THE_WAY
    said = [words for words in last.remarks if words not in HELD | {"partial"}]
    return BalanceFigures(
        completeness=verdict,
        remark="; ".join(filter(None, (remark, *said)))[:REMARK_MAX],
        tail_a=facts["tail_a"],
        done_a=facts["done_a"],
        partial_a=facts["partial_a"],
        cv_s=sum(f["cv_s"] for record, f in charges if record.kind == "charge"),
        charge_ah=sum(f["charge_ah"] for _, f in charges),
    )
