"""How long a balanced cell may still be placed: from current stopped, or from a re-check (G5, B8).

Self-discharge drives cells apart from the moment that they part.  Pure; ages are wall time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from shop.evidence.policy import GatePolicy
from shop.evidence.rules.bottom import is_emptied, recheck_limits
from shop.evidence.rules.voltages import INVALID, Judgement, judge_recheck
from shop.evidence.values import CellEvidence, VoltageEvidence


@dataclass(frozen=True, slots=True)
class SinceStopped:
    """The clock runs from when current stopped, as the cell's disconnect check says."""

    since: datetime
    until: datetime
    reading: VoltageEvidence


@dataclass(frozen=True, slots=True)
class SinceRecheck:
    """The clock runs from the first reading of the group's re-check: the oldest one decides.

    Only a re-check that passed makes anything fresh; `judged` says how this one went.
    """

    since: datetime
    until: datetime
    reading: VoltageEvidence
    judged: Judgement


Freshness: TypeAlias = SinceStopped | SinceRecheck


def freshness_of(cell: CellEvidence, bank: Collection[str], policy: GatePolicy) -> Freshness | None:
    """The clock of a cell; None where nobody knows when its current stopped.

    `bank` are the serials that must have been read with it in a re-check, itself included.
    """
    recheck = cell.recheck_since
    if recheck is not None:
        since = min((r.received_at for r in recheck.group), default=recheck.received_at)
        judged = judge_recheck(recheck, bank, recheck_limits(cell, policy))
        if is_emptied(cell.balance) and recheck.is_by_hand:  # B9, as at their bottom check
            judged = Judgement(INVALID, None, recheck.age)
        return SinceRecheck(since, since + policy.fresh_for, recheck, judged)
    reading, balance = cell.disconnect, cell.balance
    if reading is None or balance is None or reading.run_id != balance.run_id:
        return None
    stopped_at = reading.current_stopped_received_at
    if stopped_at is None:
        return None
    return SinceStopped(stopped_at, stopped_at + policy.fresh_for, reading)
