"""How warm cells are: what their own resistance makes of the current, against the room.  Pure.

One mass a cell, with one path to the air.  At the currents of a balance a healthy cell stays within
a tenth of a degree of the room; what is warm is warm for another reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stations.model.ocv import Floats

# Engineering estimates for a 200 Ah prismatic cell of about 4 kg: 1 kJ/(kg K), free convection.
J_PER_K_AH = 20.0
K_PER_W = 1.5


@dataclass(slots=True)
class Warmth:
    """Degrees Celsius of each cell, and of the room around them."""

    room_c: float
    cells_c: Floats

    @classmethod
    def of(cls, count: int, room_c: float) -> Warmth:
        return cls(room_c, np.full(count, room_c))

    def advance(
        self, seconds: float, *, current_a: Floats, ohm: Floats, capacity_ah: Floats
    ) -> None:
        """So much later, exact for currents that hold meanwhile."""
        settled_c = self.room_c + current_a**2 * ohm * K_PER_W
        kept = np.exp(-seconds / (J_PER_K_AH * capacity_ah * K_PER_W))
        self.cells_c = settled_c + (self.cells_c - settled_c) * kept

    def seen(self, resolution_c: float = 0.1) -> tuple[float, ...]:
        """As probes with this resolution show them."""
        digits = max(0, -math.floor(math.log10(resolution_c)))
        return tuple(self.cells_c.round(digits).tolist())
