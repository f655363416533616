"""Which cell hangs on a poor contact, named only when a charge has shown it (B6).

Cells in parallel share a node, so what their posts differ by under current is their own path's
ohms times their own current.  While the bank is in CC each takes about its share, and what is
left of different states of charge looks alike; but only ohms let the difference fall as the
current falls.  So a name needs both: the volts in CC, and their fall in the hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

POOR_OHM = 2e-3  # a clean link has 0.1-0.6 mohm; lugs that are loose begin at some milliohms
SEEN_V = 0.002  # below, two channels of a scanner differ by themselves
CC_OVER_S = 600.0  # the last minutes before CV
FALLEN = 0.5  # of the CC current: the hold is looked at below
SHRINKS = 0.7  # of its volts in CC: a difference that does not fall is no contact


@dataclass(frozen=True, slots=True)
class Contact:
    """One cell that lies below the others, with the most ohms that could do it.

    It lags behind and may take more than its share of the current, so its ohms may be fewer.
    """

    position: int  # from 1
    at_most_ohm: float

    @property
    def words(self) -> str:
        milliohms = f"{self.at_most_ohm * 1000:.0f} mΩ"
        return (
            f"cell {self.position} hangs on a poor contact, up to {milliohms}: "
            "clean its posts, tighten its link and repeat the hold"
        )


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found; `words` say why nothing could be seen, if so."""

    poor: tuple[Contact, ...] = ()
    words: str = ""


def poor_contacts(at_s: Floats, current_a: Floats, cv: Floats, cells_v: Floats) -> Looked:
    """Of readings with the output on: seconds, amps of the bank, 1 where CV, volts by cell.

    `cells_v` has a row per reading and a column per cell; NaN where a channel gave nothing.
    """
    if not len(at_s) or cells_v.shape[1] < 3:
        return Looked(words="not observable: it takes a scanner on three cells or more")
    first_cv = np.flatnonzero(cv > 0)
    if not len(first_cv) or not first_cv[0]:
        return Looked(words="not observable before the hold")
    begins_s = at_s[first_cv[0]]
    in_cc = (at_s < begins_s) & (at_s >= begins_s - CC_OVER_S)
    amps = float(np.median(current_a[in_cc]))
    in_hold = (at_s >= begins_s) & (current_a < FALLEN * amps)
    if not in_hold.any():
        return Looked(words="not observable before the current has fallen by half")
    share_a = amps / cells_v.shape[1]
    if share_a * POOR_OHM < SEEN_V:
        return Looked(words=f"not observable at {share_a:.1f} A a cell")
    found = _poor(_below(cells_v[in_cc]), _below(cells_v[in_hold]), share_a)
    return Looked(tuple(found))


def _poor(in_cc: Floats, in_hold: Floats, share_a: float) -> Sequence[Contact]:
    return [
        Contact(position, float(low_v) / share_a)
        for position, (low_v, then_v) in enumerate(zip(in_cc, in_hold, strict=True), start=1)
        if low_v > max(SEEN_V, POOR_OHM * share_a) and then_v < SHRINKS * low_v
    ]


def _below(cells_v: Floats) -> Floats:
    """How far each cell lies below the median cell, on average; NaN for a silent channel."""
    below: Floats = np.nanmedian(cells_v, axis=1, keepdims=True) - cells_v
    result: Floats = np.nanmean(below, axis=0)
    return result
