"""What a finished, or a cut, charge is worth as a balance (B2, M5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stations.procedures.steps import Record

COMPLETE, PARTIAL = "COMPLETE", "PARTIAL"
ESSENTIALLY = "essentially balanced"
# What the bench remarks when its own end rule held: at target, output proven on, tail held.
HELD = frozenset({"done", ESSENTIALLY})


@dataclass(frozen=True, slots=True)
class BalanceFigures:
    """The last charge of a run, its currents with the ammeter's zero taken out."""

    completeness: str
    remark: str
    tail_a: float
    done_a: float
    partial_a: float
    cv_s: float  # over all charges of the run
    charge_ah: float  # likewise


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

    The last charge decides: a refresh hold that was cut leaves a partial balance.  Cells that
    were discharged after it have none.
    """
    if any(record.kind == "discharge" for record in records):
        return None
    charges = [(record, dict(record.facts)) for record in records if record.kind == "charge"]
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
    said = [words for words in last.remarks if words not in HELD | {"partial"}]
    return BalanceFigures(
        completeness=verdict,
        remark="; ".join(filter(None, (remark, *said))),
        tail_a=facts["tail_a"],
        done_a=facts["done_a"],
        partial_a=facts["partial_a"],
        cv_s=sum(f["cv_s"] for _, f in charges),
        charge_ah=sum(f["charge_ah"] for _, f in charges),
    )
