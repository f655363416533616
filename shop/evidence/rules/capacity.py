"""Whether a capacity test counts (G2)."""

from __future__ import annotations

from datetime import datetime

from shop.evidence.policy import CapacityLimits
from shop.evidence.values import CapacityEvidence


def capacity_problem(
    test: CapacityEvidence, rated_ah: float, limits: CapacityLimits, now: datetime
) -> str:
    """Why this capacity test is not valid (G2), in words; "" when it is."""
    low_ah, high_ah = limits.low_share * rated_ah, limits.high_share * rated_ah
    if not low_ah <= test.capacity_ah <= high_ah:
        return (
            f"{test.capacity_ah:.1f} Ah is outside {low_ah:.0f} … {high_ah:.0f} Ah, which a "
            f"{rated_ah:.0f} Ah cell can have"
        )
    if test.tested_at > now:
        return f"it is dated {test.tested_at:%Y-%m-%d %H:%M}, in the future"
    if test.tested_at < now - limits.age_max:
        return f"it is of {test.tested_at:%Y-%m-%d}, more than {limits.age_max.days} days ago"
    if test.source == "IMPORTED" and not test.file_sha256:
        return "it was imported without its file"
    return ""
