"""How long a load takes: hours of discharges one after the other, by formula (B9, B16, F5)."""

from __future__ import annotations

from collections.abc import Sequence

# Where the cut-off ends a current of c, this much per c (h) of the charge is still in the cell:
# its resistance, and what has not yet come out of the material.  Fitted to the cell model; the
# hours of a taper come out within a tenth.
LEFT_PER_C = 0.12


def load_hours(rates_c: Sequence[float], *, soc: float) -> float:
    """Of one cell from `soc` (0..1), by each C-rate in turn down to one cut-off; no rests.

    One load empties one cell at a time: of several cells it is as many times that.
    """
    hours, left = 0.0, soc
    for c_rate in rates_c:
        ends = min(left, LEFT_PER_C * c_rate)
        hours += (left - ends) / c_rate
        left = ends
    return hours
