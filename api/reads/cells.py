"""Cells as lists show them: what awaits a supervisor, what may go into a pack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shop.evidence.queries import gate_policy
from shop.evidence.rules.approval import open_nonconformances
from shop.evidence.rules.balance import COMPLETE
from shop.evidence.rules.doubts import doubts
from shop.evidence.values import CellEvidence

AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Standing:
    """The one thing to know of a cell, and what comes next.

    `fresh_s` is how long its disconnect or re-check still counts (G5); None where none does.
    """

    kind: str
    word: str
    next: str
    fresh_s: float | None = None
    whole_s: float = 0.0


def standing(evidence: CellEvidence, *, now: datetime) -> Standing:
    """Where a cell is on its way into a pack; the gate alone decides."""
    if evidence.packed_in:
        return Standing("done", "In a pack", "It is assembled.")
    if notes := open_nonconformances(evidence):
        return Standing("fail", "Quarantined", f"{notes[0]} A supervisor decides.")
    if found := doubts(evidence):
        return Standing("fail", "Taken back", f"{found[0].words} {found[0].fix}")
    if evidence.balance is None:
        words = "Next: a top balance, or a bottom balance for a pack that is emptied often."
        return Standing("idle", "Not balanced", words)
    if evidence.balance.completeness != COMPLETE:
        return Standing("missing", "Partly balanced", "Next: balance it again.")
    if evidence.capacity is None:
        return Standing(
            "missing",
            "No capacity test",
            "Next: test it at a station with a load, or import the tester's file.",
        )
    if evidence.approval is None:
        return Standing("waiting", "Awaits approval", "Next: a supervisor looks at it.")
    return _approved(evidence, now)


def _approved(evidence: CellEvidence, now: datetime) -> Standing:
    fresh_for = gate_policy()[1].fresh_for.total_seconds()
    reading = evidence.recheck or evidence.disconnect
    stopped = reading.current_stopped_received_at if reading else None
    since = evidence.recheck.received_at if evidence.recheck else stopped
    left_s = fresh_for - (now - since).total_seconds() if since else None
    words = "It may go into a pack while it is fresh."
    return Standing("pass", "Approved", words, left_s, fresh_for)
