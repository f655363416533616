"""The charge switch of a BMS in a series string: what opens it and what closes it again.

It looks at its own cells and needs nobody.  While it is open no current goes into the string;
what is drawn passes through the switch's body diode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Bms:
    """Settings and state; volts of a single cell.  JBD boards wait two seconds by default."""

    over_v: float = 3.65  # as set: the charge switch opens when a cell has been above ...
    delay_s: float = 2.0  # ... for so long
    release_v: float = 3.55  # and closes when all are below
    path_ohm: float = 2e-3  # switches and shunt, in the minus lead
    early_v: float = 0.0  # a fault: it opens so far below its setting
    stays_closed: bool = False  # a fault: it never opens
    told_open: bool = False  # by its own command, whatever the cells do
    tripped: bool = False  # by a cell
    above_s: float = 0.0

    @property
    def charge_open(self) -> bool:
        return self.told_open or (self.tripped and not self.stays_closed)

    def after(self, seconds: float, highest_v: float) -> Bms:
        """Its state once the highest cell has stood at `highest_v` for `seconds`."""
        opens_v = self.over_v - self.early_v
        above_s = self.above_s + seconds if highest_v >= opens_v else 0.0
        release_v = min(self.release_v, opens_v - (self.over_v - self.release_v))
        tripped = above_s >= self.delay_s or (self.tripped and highest_v > release_v)
        if (above_s, tripped) == (self.above_s, self.tripped):
            return self
        return replace(self, above_s=above_s, tripped=tripped)
