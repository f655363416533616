"""One way to print a figure against its bar."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence


def report(
    name: str,
    value: float,
    *,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
) -> bool:
    """Print one line with the figure, its bar and whether it is met; True when it is.

    NaN meets no bar.  A figure without a bar is only shown.
    """
    met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    bars = [f">= {at_least:g}"] if at_least is not None else []
    bars += [f"<= {at_most:g}"] if at_most is not None else []
    shown = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    bar = " and ".join(bars) or "no bar"
    sys.stdout.write(f"{name:<58} {shown:>12} {unit:<10} {bar:<12} {'ok' if met else 'MISSED'}\n")
    sys.stdout.flush()
    return met


def p99(figures: Sequence[float]) -> float:
    """By nearest rank: of fewer than a hundred the largest; NaN if any is none."""
    if any(math.isnan(figure) for figure in figures):
        return math.nan
    return sorted(figures)[math.ceil(0.99 * len(figures)) - 1]
