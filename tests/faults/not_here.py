"""Rows of the fault matrix that cannot be produced here, each beside the nearest that can."""

from __future__ import annotations

from tests.faults import hosts

# row: (what cannot be produced, the nearest that can)
NOT_HERE: dict[str, tuple[str, str]] = {}

if not hosts.can_be_made():
    NOT_HERE["18"] = (
        "two hosts; it takes root and `ip netns` (apt-get install iproute2)",
        "17, tables locked and PostgreSQL frozen; 11, a line that is half open",
    )
