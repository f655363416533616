"""Rows of the fault matrix that cannot be produced here, each beside the nearest that can."""

from __future__ import annotations

# row: (what cannot be produced, the nearest that can)
NOT_HERE: dict[str, tuple[str, str]] = {}
