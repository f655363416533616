"""May these rested cells be joined, and if not, what then (B3)?  Pure.

The surge when unequal cells are joined: each sees the common node, the mean of the voltages for
equal paths, through its own resistance and link; for two cells that is dV / (2 (R0 + link)).
"""

from __future__ import annotations

from collections.abc import Sequence

from stations.procedures.judge import cell_problems
from stations.procedures.rules import ParallelRule


def joining_problems(rule: ParallelRule, volts: Sequence[float]) -> list[str]:
    """Why these rested cells must not be joined directly; each reason with what to do."""
    found = cell_problems(rule.voltage, volts)
    if found:
        return found
    spread, surge = max(volts) - min(volts), _surge(rule, volts)
    if spread > rule.level_max_v:
        return [
            f"The cells differ by {_mv(spread)}, above {_mv(rule.level_max_v)}: never join them "
            f"directly, {surge}.",
            _levelling(rule, volts),
            _resistor(rule, spread),
        ]
    if spread > rule.spread_max_v:
        return [
            f"The cells differ by {_mv(spread)}, above {_mv(rule.spread_max_v)}: joined now, "
            f"{surge}.",
            _levelling(rule, volts),
            _resistor(rule, spread),
        ]
    if peak_c_rate(rule, volts) > rule.peak_max_c:
        return [f"Joined now, {surge}, above {rule.peak_max_c:.1f}C.", _levelling(rule, volts)]
    return []


def joining_remarks(rule: ParallelRule, volts: Sequence[float]) -> tuple[str, ...]:
    """What to say when joining is allowed: the predicted surge, as a warning above 0.5C."""
    peak_c = peak_c_rate(rule, volts)
    words = f"predicted surge {peak_c * rule.capacity_ah:.0f} A ({peak_c:.2f}C)"
    return (f"warning: {words}",) if peak_c > rule.peak_warn_c else (words,)


def peak_c_rate(rule: ParallelRule, volts: Sequence[float]) -> float:
    """Largest cell current when all are joined at once, as C-rate of one cell."""
    node = sum(volts) / len(volts)
    peak_a = max(abs(node - volt) for volt in volts) / rule.path_ohm
    return peak_a / rule.capacity_ah


def low_cells(rule: ParallelRule, volts: Sequence[float]) -> tuple[int, ...]:
    """Positions of the cells to level: what then remains may be joined by spread and by peak.

    From the lowest upwards, each as if it stood at the highest; at least one.
    """
    level_v, raised = max(volts), list(volts)
    order = sorted(range(len(volts)), key=lambda index: volts[index])
    for count, index in enumerate(order[:-1], start=1):
        raised[index] = level_v
        close = level_v - min(raised) <= rule.spread_max_v
        if close and peak_c_rate(rule, raised) <= rule.peak_max_c:
            return tuple(sorted(index + 1 for index in order[:count]))
    return tuple(sorted(index + 1 for index in order[:-1]))


def _surge(rule: ParallelRule, volts: Sequence[float]) -> str:
    peak_c = peak_c_rate(rule, volts)
    return f"about {peak_c * rule.capacity_ah:.0f} A ({peak_c:.1f}C) would surge through one cell"


def _levelling(rule: ParallelRule, volts: Sequence[float]) -> str:
    low, high_v = low_cells(rule, volts), max(volts)
    seen = [volts[position - 1] for position in low]
    at = f"{min(seen):.3f} V" if len(low) == 1 else f"{min(seen):.3f} … {max(seen):.3f} V"
    how = "it alone" if len(low) == 1 else "them as a bank of their own"
    return (
        f"Low: cell{'s' if len(low) > 1 else ''} {', '.join(map(str, low))} ({at}). Level {how} up "
        f"to the high ones, {high_v:.3f} V, then join all."
    )


def _resistor(rule: ParallelRule, spread_v: float) -> str:
    """The article's surge limiter, with what it truly does."""
    ohm, seconds = rule.resistor_ohm, rule.resistor_s
    amps = spread_v / (ohm + 2 * rule.path_ohm)
    return (
        f"A resistor of {ohm:g} Ω in a low cell's link would limit the surge to {amps:.2f} A "
        f"({amps * amps * ohm:.2f} W), but levels almost nothing ({amps * seconds / 3600:.3f} Ah "
        f"in {seconds / 60:.0f} min), and the full surge comes when it is taken out."
    )


def _mv(value_v: float) -> str:
    return f"{1000 * value_v:.0f} mV"
