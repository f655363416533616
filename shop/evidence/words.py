"""Quantities as people say them: a value with its unit, a length of time in hours and minutes."""

from __future__ import annotations

from datetime import timedelta

from stations.values import Window


def volts(value: float | None) -> str:
    """ "3.641 V"; "no reading" for None."""
    return "no reading" if value is None else f"{value:.3f} V".replace("-", "−")


def millivolts(value: float) -> str:
    """Of a difference in volts, with its sign: "−31 mV"."""
    return f"{1000 * value:+.0f} mV".replace("-", "−")


def window(bounds: Window) -> str:
    return f"{bounds.low:.3f} … {bounds.high:.3f} V"


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def span(length: timedelta) -> str:
    """ "3 h 20 min", "4 min 12 s", "9 s"; seconds are dropped from an hour on unless they matter:
    a span that is no whole minute keeps them below ten hours, so that 4 h 00 min 01 s is not 4 h.
    """
    total = int(length.total_seconds())
    if total < 0:
        return f"−{span(-length)}"
    hours, rest = divmod(total, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    parts = [f"{hours} h"] if hours else []
    if hours or minutes:
        parts.append(f"{minutes:02d} min" if hours else f"{minutes} min")
    if (seconds and hours < 10) or not parts:
        parts.append(f"{seconds:02d} s" if parts else f"{seconds} s")
    return " ".join(parts)
