"""The capacity (B16) and the DC resistance that a run's records show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stations.procedures import pulsing
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


@dataclass(frozen=True, slots=True)
class ResistanceFigures:
    """What one current step showed; named as the row that keeps it."""

    r_mohm: float
    u_mohm: float
    after_s: float
    early_mohm: float  # NaN where no sample was early enough
    early_after_s: float
    current_a: float
    rested_v: float
    low_mohm: float
    warn_mohm: float
    fail_mohm: float
    verdict: str


def resistance_of(records: Sequence[Record]) -> ResistanceFigures | None:
    """The last current step that was seen to its end; None for none."""
    steps = [r for r in records if r.kind == pulsing.KIND and DONE in r.remarks]
    if not steps:
        return None
    facts, (verdict,) = dict(steps[-1].facts), pulsing.VERDICTS & set(steps[-1].remarks)
    figures = ResistanceFigures(
        r_mohm=facts["r_mohm"],
        u_mohm=facts["r_u_mohm"],
        after_s=facts["r_after_s"],
        early_mohm=facts["early_mohm"],
        early_after_s=facts["early_after_s"],
        current_a=facts["drawn_a"],
        rested_v=facts["rested_v"],
        low_mohm=facts["low_mohm"],
        warn_mohm=facts["warn_mohm"],
        fail_mohm=facts["fail_mohm"],
        verdict=verdict.upper(),
    )
    return figures if figures.r_mohm > 0 else None  # written so that NaN is none
