"""The states of several cells side by side in arrays, advanced exactly for a held current.

Made for speed: every scratch array is allocated once and every name below is a view, so a step
of 16 cells costs some tens of microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stations.model.cell import (
    HYSTERESIS_END_V,
    HYSTERESIS_PLATEAU_V,
    MONTH_S,
    SURFACE_TABLE,
    CellParameters,
)
from stations.model.ocv import GRID_MARGIN, GRID_PER_SOC, Floats

NEAR_FULL = 0.985
NEAR_EMPTY = 0.02
_LAST = SURFACE_TABLE.shape[1] - 1
_REMEMBERED_STEPS = 8


class CellStates:
    """SOC, surface, relaxation and hysteresis of `cells`, starting rested at `soc`.

    Currents are charge-positive at each cell's own terminals.  `refresh` brings `emf_v` (the
    voltage behind R0) and `resistance_ohm` (m R0) up to the present states; `advance` moves
    the states on under currents that are held for the whole step.
    """

    def __init__(self, cells: Sequence[CellParameters], soc: Sequence[float]) -> None:
        if len(cells) != len(soc) or not cells:
            raise ValueError(f"{len(cells)} cells with {len(soc)} states of charge")
        self.cells = tuple(cells)
        self._read_parameters()
        n = len(self.cells)
        self._slow = np.zeros((4, n))  # d1, d2, v1, v2
        self._drive = np.empty((4, n))
        self.soc: Floats = np.array(soc, dtype=np.float64)
        self.hysteresis_v: Floats = np.zeros(n)
        self.emf_v: Floats = np.empty(n)
        self.resistance_ohm: Floats = np.empty(n)
        self.surface_soc: Floats = np.empty(n)
        self._index = np.empty(n, dtype=np.intp)
        self._looked_up = np.empty((4, n))
        self._a, self._b, self._c = np.empty(n), np.empty(n), np.empty(n)
        self._factors: dict[float, tuple[Floats, Floats]] = {}
        self.refresh()

    def _read_parameters(self) -> None:
        def column(value: Callable[[CellParameters], float]) -> Floats:
            return np.array([value(cell) for cell in self.cells], dtype=np.float64)

        self.capacity_ah = column(lambda cell: cell.capacity_ah)
        self._r0 = column(lambda cell: cell.r0_ohm)
        self._per_ampere_second = 1 / (3600 * self.capacity_ah)
        self._lost_on_charge = column(lambda cell: 1 - cell.coulombic_efficiency)
        self._leak_per_s = column(lambda cell: cell.self_discharge_month / MONTH_S)
        self._gamma = column(lambda cell: cell.gamma)
        self._time_s = np.stack(
            [
                column(lambda cell: cell.tau1_s),
                column(lambda cell: cell.tau2_s),
                column(lambda cell: cell.t1_s),
                column(lambda cell: cell.t2_s),
            ]
        )
        # Where d1, d2, v1 and v2 end up per ampere (v1 and v2: per m times ampere).
        self._settled = np.stack(
            [
                column(lambda cell: cell.g1 * cell.tau1_s) * self._per_ampere_second,
                column(lambda cell: cell.g2 * cell.tau2_s) * self._per_ampere_second,
                column(lambda cell: cell.r1_ohm),
                column(lambda cell: cell.r2_ohm),
            ]
        )

    def __len__(self) -> int:
        return len(self.cells)

    def refresh(self) -> None:
        """Bring `surface_soc`, `emf_v` and `resistance_ohm` up to the present states."""
        zs, x, slow, found = self.surface_soc, self._a, self._slow, self._looked_up
        np.add(self.soc, slow[0], out=zs)
        np.add(zs, slow[1], out=zs)
        np.multiply(zs, GRID_PER_SOC, out=x)
        np.add(x, GRID_MARGIN, out=x)
        np.minimum(x, _LAST, out=self._b)
        np.maximum(self._b, 0, out=self._b)
        self._index[:] = self._b
        # The fraction may leave 0..1 outside the grid: that carries the end slopes on.
        np.subtract(x, self._index, out=x)
        SURFACE_TABLE.take(self._index, axis=1, out=found, mode="clip")
        found[2:] *= x
        found[:2] += found[2:]
        np.multiply(found[1], self._r0, out=self.resistance_ohm)
        np.add(found[0], self.hysteresis_v, out=self.emf_v)
        self.emf_v += slow[2]
        self.emf_v += slow[3]

    def is_near_an_end(self) -> bool:
        """Whether any surface is so full or so empty that steps must be short."""
        zs = self.surface_soc
        return bool(np.maximum.reduce(zs) > NEAR_FULL or np.minimum.reduce(zs) < NEAR_EMPTY)

    def advance(self, dt_s: float, current_a: Floats) -> None:
        """Move on by `dt_s` under held currents; exact for everything that is linear in them.

        With no current it is exact for any length of time.
        """
        decay, gain = self._factors_for(dt_s)
        charge = self._move_hysteresis(dt_s, current_a)
        drive = self._drive
        drive[:2] = current_a
        np.multiply(current_a, self._looked_up[1], out=drive[2])
        drive[3] = drive[2]
        drive *= gain
        self._slow *= decay
        self._slow += drive

        self.soc += charge
        np.maximum(charge, 0, out=charge)
        charge *= self._lost_on_charge
        self.soc -= charge
        np.multiply(self._leak_per_s, dt_s, out=charge)
        self.soc -= charge
        self.refresh()

    def _move_hysteresis(self, dt_s: float, current_a: Floats) -> Floats:
        """Pull h towards the side of the current; returns the SOC that the step moves."""
        target, kept, charge = self._a, self._b, self._c
        np.multiply(self.soc, 1 / 0.08, out=target)
        np.subtract(1, self.soc, out=kept)
        kept *= 1 / 0.02
        np.minimum(target, kept, out=target)
        np.minimum(target, 1, out=target)
        np.maximum(target, 0, out=target)
        target *= HYSTERESIS_PLATEAU_V
        target += HYSTERESIS_END_V
        np.copysign(target, current_a, out=target)

        np.multiply(current_a, self._per_ampere_second, out=charge)
        charge *= dt_s
        np.absolute(charge, out=kept)
        kept *= self._gamma
        np.negative(kept, out=kept)
        np.exp(kept, out=kept)
        self.hysteresis_v -= target
        self.hysteresis_v *= kept
        self.hysteresis_v += target
        return charge

    def _factors_for(self, dt_s: float) -> tuple[Floats, Floats]:
        known = self._factors.get(dt_s)
        if known is None:
            if len(self._factors) >= _REMEMBERED_STEPS:
                self._factors.clear()
            decay = np.exp(-dt_s / self._time_s)
            known = self._factors[dt_s] = (decay, (1 - decay) * self._settled)
        return known

    def __deepcopy__(self, memo: dict[int, Any]) -> CellStates:
        twin = CellStates(self.cells, self.soc.tolist())
        twin._slow[:] = self._slow
        twin.hysteresis_v[:] = self.hysteresis_v
        twin.refresh()
        return twin
