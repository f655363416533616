"""Taking the common drift out of readings that were made one after the other (G6).

Cells relax while somebody goes from post to post, all of them about alike.  When the first cell
is measured again last, its two readings say how much; without that nothing is taken out.  A
scanner reads all cells at once and needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shop.evidence.rules.voltages import is_number
from shop.evidence.values import GroupReading


@dataclass(frozen=True, slots=True)
class Levelled:
    """One cell's reading as it was, and as it would have been at the moment of the first."""

    serial: str
    raw_v: float
    voltage_v: float


def levelled(readings: Sequence[GroupReading]) -> list[Levelled]:
    """Each cell once, in the order of measuring; a reading that is no number is left out."""
    ordered = sorted(readings, key=lambda reading: reading.received_at)
    slope = _volts_per_second(ordered)
    found: dict[str, Levelled] = {}
    for reading in ordered:
        if is_number(reading.voltage_v) and reading.serial not in found:
            since_s = (reading.received_at - ordered[0].received_at).total_seconds()
            found[reading.serial] = Levelled(
                reading.serial, reading.voltage_v, reading.voltage_v - slope * since_s
            )
    return list(found.values())


def _volts_per_second(ordered: Sequence[GroupReading]) -> float:
    """The drift that the first cell shows; 0 unless it was measured again last."""
    if len(ordered) < 2 or ordered[0].serial != ordered[-1].serial:
        return 0.0
    first, last = ordered[0], ordered[-1]
    seconds = (last.received_at - first.received_at).total_seconds()
    if seconds <= 0 or not (is_number(first.voltage_v) and is_number(last.voltage_v)):
        return 0.0
    return (last.voltage_v - first.voltage_v) / seconds
