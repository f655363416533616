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
    HYSTERESIS_SOC,
    HYSTERESIS_V,
    MONTH_S,
    SURFACE_TABLE,
    CellParameters,
)
from stations.model.ocv import GRID_MARGIN, GRID_PER_SOC, Floats

NEAR_FULL = 0.985
NEAR_EMPTY = 0.02
_REMEMBERED_STEPS = 8

# As arrays, and fmax below rather than maximum: measured at a half and a quarter of the time.
_PER_SOC = np.array(float(GRID_PER_SOC))
_MARGIN = np.array(float(GRID_MARGIN))
_ZERO = np.array(0.0)


@dataclass(frozen=True, slots=True)
class _StepFactors:
    """What depends on the length of a step alone."""

    decay: Floats
    surface_gain: Floats
    voltage_gain: Floats
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
        self._drive_surface, self._drive_voltage = self._drive[:2], self._drive[2:]
        self._a, self._charge = np.empty((2, n))
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
        np.add(self.soc, d1, zs)
        np.add(zs, d2, zs)
        np.multiply(zs, _PER_SOC, x)
        np.add(x, _MARGIN, x)
        self._index[:] = x
        np.subtract(x, self._index, x)
        SURFACE_TABLE.take(self._index, axis=1, out=self._found, mode="clip")
        np.multiply(self._found_rises, x, self._found_rises)
        np.add(self._found_values, self._found_rises, self._found_values)
        np.multiply(self._factor, self._r0, self.resistance_ohm)
        np.add(self._found[0], self.hysteresis_v, self.emf_v)
        np.add(self.emf_v, v1, self.emf_v)
        np.add(self.emf_v, v2, self.emf_v)

    def is_near_an_end(self) -> bool:
        """Whether any surface is so full or so empty that steps must be short."""
        zs = self.surface_soc
        return bool(np.maximum.reduce(zs) > NEAR_FULL or np.minimum.reduce(zs) < NEAR_EMPTY)

    def advance(self, dt_s: float, current_a: Floats) -> None:
        """Move on by `dt_s` under held currents; exact for everything that is linear in them.

        With no current it is exact for any length of time.
        """
        factors = self._factors_for(dt_s)
        charge = self._charge
        np.multiply(current_a, factors.soc_per_ampere, charge)
        self._move_hysteresis(current_a, charge)

        np.multiply(factors.surface_gain, current_a, self._drive_surface)
        np.multiply(current_a, self._factor, self._a)
        np.multiply(factors.voltage_gain, self._a, self._drive_voltage)
        np.multiply(self._slow, factors.decay, self._slow)
        np.add(self._slow, self._drive, self._slow)

        np.add(self.soc, charge, self.soc)
        np.fmax(charge, _ZERO, charge)
        np.multiply(charge, self._lost_on_charge, charge)
        np.add(charge, factors.leak, charge)
        np.subtract(self.soc, charge, self.soc)
        self.refresh()

    def _move_hysteresis(self, current_a: Floats, charge: Floats) -> None:
        """Pull h towards the side of the current by the SOC that the step moves."""
        kept, h = self._a, self.hysteresis_v
        target = np.interp(self.soc, HYSTERESIS_SOC, HYSTERESIS_V)
        np.copysign(target, current_a, target)

        np.absolute(charge, kept)
        np.multiply(kept, self._minus_gamma, kept)
        np.exp(kept, kept)
        np.subtract(h, target, h)
        np.multiply(h, kept, h)
        np.add(h, target, h)

    def _factors_for(self, dt_s: float) -> _StepFactors:
        known = self._factors.get(dt_s)
        if known is None:
            if len(self._factors) >= _REMEMBERED_STEPS:
                self._factors.clear()
            decay = np.exp(-dt_s / self._time_s)
            gain = (1 - decay) * self._settled
            known = self._factors[dt_s] = _StepFactors(
                decay=decay,
                surface_gain=gain[:2],
                voltage_gain=gain[2:],
                soc_per_ampere=dt_s * self._per_ampere_second,
                leak=dt_s * self._leak_per_s,
            )
        return known

    def some(self, which: Sequence[int]) -> CellStates:
        """Only those cells, each as it is."""
        columns = list(which)
        twin = CellStates([self.cells[i] for i in columns], self.soc[columns].tolist())
        twin._slow[:] = self._slow[:, columns]
        twin.hysteresis_v[:] = self.hysteresis_v[columns]
        twin.refresh()
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> CellStates:
        return self.some(range(len(self)))
