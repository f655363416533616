"""How a run is started: does somebody stay (F4), and does it wait for a moment (F6)?  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Terms:
    """`not_before` is when it begins at the earliest; `ready_by` what that was worked out from."""

    attended: bool = True
    not_before: datetime | None = None
    ready_by: datetime | None = None

    def waits(self, now: datetime) -> timedelta:
        """How long it still waits; nothing once its moment has come."""
        return max(self.not_before - now, timedelta()) if self.not_before else timedelta()

    @property
    def told(self) -> dict[str, Any]:
        """As the job's history keeps it."""
        moments = {"not_before": self.not_before, "ready_by": self.ready_by}
        return {"attended": self.attended} | {
            name: at.isoformat() for name, at in moments.items() if at is not None
        }


ATTENDED = Terms()
