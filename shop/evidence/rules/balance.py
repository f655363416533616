"""What a finished charge is worth as a balance (B2, M5)."""

from __future__ import annotations

COMPLETE, PARTIAL = "COMPLETE", "PARTIAL"


def completeness(
    *, tail_a: float, done_a: float, partial_a: float, cv_s: float, cv_min_s: float
) -> tuple[str, str]:
    """B2: what a CV hold is worth, with a remark.

    Complete at the tail, or between the two limits as "essentially balanced"; above the partial
    limit or short of the CV time it is partial, and so is anything with a NaN in it.
    """
    if not cv_s >= cv_min_s:
        return PARTIAL, f"short of its CV time: {_minutes(cv_s)} of {_minutes(cv_min_s)}"
    if tail_a <= done_a:
        return COMPLETE, ""
    if tail_a <= partial_a:
        return COMPLETE, "essentially balanced"
    return PARTIAL, f"stopped at {tail_a:.2f} A, above {partial_a:.2f} A"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"
