"""The states of several cells side by side in arrays, advanced exactly for a held current.

Made for speed: every scratch array is allocated once and every name below is a view, so a step
of 16 cells costs some tens of microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
_REMEMBERED_STEPS = 8


@dataclass(frozen=True, slots=True)
class _StepFactors:
    """What depends on the length of a step alone."""

    decay: Floats
    gain: Floats
    soc_per_ampere: Floats
    leak: Floats


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
        self.soc: Floats = np.array(soc, dtype=np.float64)
        self.hysteresis_v: Floats = np.zeros(n)
        self._slow = np.zeros((4, n))
        self._slow_rows = tuple(self._slow)  # d1, d2, v1, v2
        self.surface_soc, self.emf_v, self.resistance_ohm = np.empty((3, n))
        self._found = np.empty((4, n))
        self._found_values, self._found_rises = self._found[:2], self._found[2:]
        self._factor = self._found[1]  # m
        self._index = np.empty(n, dtype=np.intp)
        self._drive = np.empty((4, n))
        self._a, self._b, self._charge = np.empty((3, n))
        self._factors: dict[float, _StepFactors] = {}
        self.refresh()

    def _read_parameters(self) -> None:
        def column(value: Callable[[CellParameters], float]) -> Floats:
            return np.array([value(cell) for cell in self.cells], dtype=np.float64)

        self.capacity_ah = column(lambda cell: cell.capacity_ah)
        self._r0 = column(lambda cell: cell.r0_ohm)
        self._per_ampere_second = 1 / (3600 * self.capacity_ah)
        self._lost_on_charge = column(lambda cell: 1 - cell.coulombic_efficiency)
        self._leak_per_s = column(lambda cell: cell.self_discharge_month / MONTH_S)
        self._minus_gamma = column(lambda cell: -cell.gamma)
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
        zs, x, (d1, d2, v1, v2) = self.surface_soc, self._a, self._slow_rows
        np.add(self.soc, d1, out=zs)
        np.add(zs, d2, out=zs)
        np.multiply(zs, GRID_PER_SOC, out=x)
        np.add(x, GRID_MARGIN, out=x)
        np.copyto(self._index, x, casting="unsafe")
        np.subtract(x, self._index, out=x)
        SURFACE_TABLE.take(self._index, axis=1, out=self._found, mode="clip")
        np.multiply(self._found_rises, x, out=self._found_rises)
        np.add(self._found_values, self._found_rises, out=self._found_values)
        np.multiply(self._factor, self._r0, out=self.resistance_ohm)
        np.add(self._found[0], self.hysteresis_v, out=self.emf_v)
        np.add(self.emf_v, v1, out=self.emf_v)
        np.add(self.emf_v, v2, out=self.emf_v)

    def is_near_an_end(self) -> bool:
        """Whether any surface is so full or so empty that steps must be short."""
        zs = self.surface_soc
        return bool(np.maximum.reduce(zs) > NEAR_FULL or np.minimum.reduce(zs) < NEAR_EMPTY)

    def advance(self, dt_s: float, current_a: Floats) -> None:
        """Move on by `dt_s` under held currents; exact for everything that is linear in them.

        With no current it is exact for any length of time.
        """
        factors = self._factors_for(dt_s)
        charge, drive = self._charge, self._drive
        np.multiply(current_a, factors.soc_per_ampere, out=charge)
        self._move_hysteresis(current_a, charge)

        drive[:2] = current_a
        np.multiply(current_a, self._factor, out=drive[2])
        drive[3] = drive[2]
        np.multiply(drive, factors.gain, out=drive)
        np.multiply(self._slow, factors.decay, out=self._slow)
        np.add(self._slow, drive, out=self._slow)

        np.add(self.soc, charge, out=self.soc)
        np.maximum(charge, 0, out=charge)
        np.multiply(charge, self._lost_on_charge, out=charge)
        np.add(charge, factors.leak, out=charge)
        np.subtract(self.soc, charge, out=self.soc)
        self.refresh()

    def _move_hysteresis(self, current_a: Floats, charge: Floats) -> None:
        """Pull h towards the side of the current by the SOC that the step moves."""
        target, kept, h = self._a, self._b, self.hysteresis_v
        # min(1, z/0.08, (1-z)/0.02), not below 0, times the plateau's share
        np.multiply(self.soc, HYSTERESIS_PLATEAU_V / 0.08, out=target)
        np.subtract(1, self.soc, out=kept)
        np.multiply(kept, HYSTERESIS_PLATEAU_V / 0.02, out=kept)
        np.minimum(target, kept, out=target)
        np.minimum(target, HYSTERESIS_PLATEAU_V, out=target)
        np.maximum(target, 0, out=target)
        np.add(target, HYSTERESIS_END_V, out=target)
        np.copysign(target, current_a, out=target)

        np.absolute(charge, out=kept)
        np.multiply(kept, self._minus_gamma, out=kept)
        np.exp(kept, out=kept)
        np.subtract(h, target, out=h)
        np.multiply(h, kept, out=h)
        np.add(h, target, out=h)

    def _factors_for(self, dt_s: float) -> _StepFactors:
        known = self._factors.get(dt_s)
        if known is None:
            if len(self._factors) >= _REMEMBERED_STEPS:
                self._factors.clear()
            decay = np.exp(-dt_s / self._time_s)
            known = self._factors[dt_s] = _StepFactors(
                decay=decay,
                gain=(1 - decay) * self._settled,
                soc_per_ampere=dt_s * self._per_ampere_second,
                leak=dt_s * self._leak_per_s,
            )
        return known

    def __deepcopy__(self, memo: dict[int, Any]) -> CellStates:
        twin = CellStates(self.cells, self.soc.tolist())
        twin._slow[:] = self._slow
        twin.hysteresis_v[:] = self.hysteresis_v
        twin.refresh()
        return twin
