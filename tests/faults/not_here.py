"""Rows of the fault matrix that cannot be produced here, each beside the nearest that can."""

from __future__ import annotations

# row: (what cannot be produced, the nearest that can)
NOT_HERE: dict[str, tuple[str, str]] = {
    "37": (
        "a gap in a capacity measurement: no bench measures a capacity yet, every test is imported",
        "46, a capacity file that is none; and 36, a charge that was cut is no balance",
    ),
}
