"""The capacity that a run's records show (B16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stations.procedures.state import Record

DONE = "done"  # what the bench remarks when the discharge came to its cut-off in one go


@dataclass(frozen=True, slots=True)
class CapacityFigures:
    """What one discharge from full to the cut-off gave."""

    capacity_ah: float
    energy_wh: float
    current_a: float


def capacity_of(records: Sequence[Record]) -> CapacityFigures | None:
    """The last discharge that was measured whole after a whole charge; None for none."""
    filled = False
    found = None
    for record in records:
        whole = DONE in record.remarks
        if record.kind == "charge":
            filled, found = whole, None
        elif record.kind == "discharge":
            found = _figures(record) if filled and whole else None
    return found


def _figures(record: Record) -> CapacityFigures | None:
    facts = dict(record.facts)
    figures = CapacityFigures(facts["drawn_ah"], facts["drawn_wh"], facts["current_a"])
    positive = figures.capacity_ah > 0 and figures.energy_wh > 0 and figures.current_a > 0
    return figures if positive else None  # written so that NaN is none
