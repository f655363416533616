"""Shop time: the one place where the shop reads the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Wall time now, aware UTC; the age of evidence is this minus `received_at`."""
    return datetime.now(UTC)
