"""How a run is started: does somebody stay (F4), and does it wait for a moment (F6)?  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stations.procedures.attendance import Span


@dataclass(frozen=True, slots=True)
class Terms:
    """`not_before` is when it begins at the earliest; `ready_by` what that was worked out from.

    With somebody who stays the whole run begins then.  Alone it begins at once: what needs hands
    is done, and then the bench waits for that moment with its first output.
    """

    attended: bool = True
    not_before: datetime | None = None
    ready_by: datetime | None = None

    def waits(self, now: datetime) -> timedelta:
        """How long it still waits; nothing once its moment has come."""
        return max(self.not_before - now, timedelta()) if self.not_before else timedelta()

    def is_queued(self, now: datetime) -> bool:
        """Whether nothing at all happens before its moment."""
        return self.attended and bool(self.waits(now))

    def span(self, now: datetime, *, at: datetime) -> Span | None:
        """How long the bench waits with its first output, `at` being what its clock says now.

        None: it does not wait.
        """
        if self.attended or self.not_before is None:
            return None
        return Span(at, at + (self.not_before - now))

    @property
    def told(self) -> dict[str, Any]:
        """As the job's history keeps it."""
        moments = {"not_before": self.not_before, "ready_by": self.ready_by}
        return {"attended": self.attended} | {
            name: at.isoformat() for name, at in moments.items() if at is not None
        }


ATTENDED = Terms()
