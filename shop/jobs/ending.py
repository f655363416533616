"""How an attempt of a run ended, as far as anybody knows; a lost worker leaves no records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shop.jobs.models import Run
from shop.jobs.preflight import Registered
from shop.jobs.states import RunState
from stations.procedures.actions import Outcome
from stations.procedures.state import Record
from stations.values import OffProof


@dataclass(frozen=True, slots=True)
class Ending:
    """`has_journal` is false when no session, and so no journal, ever began at the guardian.

    `journal` is what the guardian said at the close: last_seq, head, records.
    """

    state: RunState
    reason: str
    target_v: float = 0.0
    records: tuple[Record, ...] = ()
    current_stopped: OffProof | None = None
    instruments: Sequence[Registered] = ()
    journal: Mapping[str, Any] = field(default_factory=dict)
    has_journal: bool = False
    token: int | None = None  # that the attempt was driven with, where it is not the present one


def trip_told(run: Run) -> Ending | None:
    """What the bench itself said of a trip, as the uplink wrote it down."""
    trip = run.events.filter(kind="bench_trip").order_by("id").last()
    return Ending(RunState.TRIPPED, str(trip.data.get("reason", ""))) if trip else None


def ending_of(
    outcome: Outcome, *, instruments: Sequence[Registered], journal: Mapping[str, Any]
) -> Ending:
    """The ending of a program that was played on the bench."""
    return Ending(
        state=RunState(outcome.kind),
        reason=outcome.reason,
        target_v=outcome.run.program.target_v,
        records=outcome.run.records,
        current_stopped=outcome.run.current_stopped,
        instruments=instruments,
        journal=journal,
        has_journal=True,
    )
