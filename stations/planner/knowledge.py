"""What is known of cells and bench before a charge, as windows; what is not known is wide.

A plateau voltage tells very little: 10 mV can be 20 points of SOC, and whether the cell was last
charged or discharged moves it by the hysteresis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stations.model.cell import HYSTERESIS_SOC, HYSTERESIS_V
from stations.model.ocv import soc_at
from stations.values import Window

# Both leads with their lugs, and a cell's own link, in ohms, where nobody measured them: the
# range of 8-10 AWG leads of one to two metres, and of busbars to short cables.
LEADS_OHM = Window(2e-3, 12e-3)
LINK_OHM = Window(0.1e-3, 0.6e-3)
LEADS_KEEP = Window(0.9, 1.2)  # of what was measured, until lugs are loosened or taken off
METER_V = 0.002
# The makers' nominal capacity against what a cell of the batch really has.
CAPACITY_SHARE = Window(0.98, 1.03)
SOC_UNKNOWN = Window(0.10, 0.90)


@dataclass(frozen=True, slots=True)
class Known:
    """`soc` by cell in bank order; `capacity_ah` rated, of one cell."""

    capacity_ah: float
    soc: tuple[Window, ...]
    leads_ohm: Window = LEADS_OHM
    link_ohm: Window = LINK_OHM

    @property
    def cells(self) -> int:
        return len(self.soc)

    @property
    def bank_ah(self) -> float:
        return self.cells * self.capacity_ah


def soc_of_rested(voltage_v: float) -> Window:
    """The states of charge at which a cell may rest at `voltage_v` (volts), within 0 … 1.

    The equilibrium curve, up or down by the hysteresis of a cell that was last discharged or
    charged and by what a meter may be off.
    """
    about = float(np.clip(soc_at(voltage_v), 0.0, 1.0))
    either_way_v = float(np.interp(about, HYSTERESIS_SOC, HYSTERESIS_V)) + METER_V
    low, high = soc_at(voltage_v - either_way_v), soc_at(voltage_v + either_way_v)
    return Window(float(np.clip(low, 0.0, 1.0)), float(np.clip(high, 0.0, 1.0)))


def measured_leads(lead_ohm: float) -> Window:
    """What leads have that were commissioned; as wide as ever where they were not (NaN)."""
    if not lead_ohm > 0:
        return LEADS_OHM
    return Window(LEADS_KEEP.low * lead_ohm, LEADS_KEEP.high * lead_ohm)


def known_by_volts(rested_v: Sequence[float], capacity_ah: float) -> Known:
    """Cells that were measured at rest."""
    return Known(capacity_ah, tuple(soc_of_rested(volts) for volts in rested_v))


def unknown_soc(cells: int, capacity_ah: float, *, below_v: float = 3.65) -> Known:
    """Cells that nobody has measured yet, and that rest somewhere below `below_v` (volts)."""
    highest = min(SOC_UNKNOWN.high, soc_of_rested(below_v).low)
    return Known(capacity_ah, (Window(min(SOC_UNKNOWN.low, highest), highest),) * cells)
