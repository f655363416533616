"""One LFP cell as an equivalent circuit with a surface: parameters, and what varies with SOC.

States: bulk SOC z, surface offsets d1 and d2, RC voltages v1 and v2, hysteresis h.  With
charge current I positive, Q in Ah, c = I / (3600 Q) and zs = z + d1 + d2:

    dz/dt  = eta c - sd / (30 * 86400)       eta: coulombic efficiency while charging, else 1
    ddk/dt = -dk / tauk + gk c
    dvk/dt = (-vk + m Rk I) / Tk
    dh/dt  = -gamma |c| (h - sign(I) M(z))
    V      = OCV(zs) + h + v1 + v2 + m R0 I

The offsets are what makes both tail and rest look real: near full and near empty the
polarisation is concentration, not resistance.  The numbers describe a 200 Ah prismatic cell at
25 degC; where no maker's sheet is named they are engineering estimates, and nothing here was
measured on our own cells.  Confidence: charge balance and surge good, tail duration within a
factor of 2-3, rest voltage near full +-50 mV at 4 h.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp

import numpy as np

from stations.model.ocv import OCV_GRID_V, SOC_GRID, Floats

REFERENCE_AH = 200.0
MONTH_S = 30 * 86400.0

# M: half the gap between charge and discharge, 2 mV at both ends and 9 mV on the plateau (ACCURE
# states gaps of 5-25 mV); straight between these points.
HYSTERESIS_SOC = np.array([0.0, 0.08, 0.98, 1.0])
HYSTERESIS_V = np.array([0.002, 0.009, 0.009, 0.002])

ACTIVATION_J_PER_MOL = 30_000.0  # graphite diffusion in the About:Energy LFP 18650 set
GAS_J_PER_MOL_K = 8.314


@dataclass(frozen=True, slots=True)
class CellParameters:
    """Ohms, seconds and gains of one cell; `self_discharge_month` is a fraction per 30 days."""

    capacity_ah: float = REFERENCE_AH
    r0_ohm: float = 0.25e-3  # DC; EVE LF105 and Lishen state about 0.2 mohm AC at 1 kHz
    r1_ohm: float = 0.30e-3
    r2_ohm: float = 0.30e-3
    t1_s: float = 40.0
    t2_s: float = 600.0
    g1: float = 0.20
    g2: float = 0.010
    tau1_s: float = 900.0
    tau2_s: float = 3 * 3600.0
    gamma: float = 40.0  # per unit of SOC
    coulombic_efficiency: float = 0.999
    self_discharge_month: float = 0.02

    def at(self, temperature_c: float) -> CellParameters:
        """The same cell at another temperature than 25 degC; self-discharge doubles per 10 K."""
        slower = exp(
            ACTIVATION_J_PER_MOL / GAS_J_PER_MOL_K * (1 / (temperature_c + 273.15) - 1 / 298.15)
        )
        return replace(
            self,
            r0_ohm=self.r0_ohm * slower,
            r1_ohm=self.r1_ohm * slower,
            r2_ohm=self.r2_ohm * slower,
            tau1_s=self.tau1_s * slower,
            tau2_s=self.tau2_s * slower,
            self_discharge_month=self.self_discharge_month * 2 ** ((temperature_c - 25) / 10),
        )


def cell_of(capacity_ah: float) -> CellParameters:
    """The nominal cell of another size: resistances go with 1/Q, time constants stay."""
    scale = REFERENCE_AH / capacity_ah
    nominal = CellParameters()
    return replace(
        nominal,
        capacity_ah=capacity_ah,
        r0_ohm=nominal.r0_ohm * scale,
        r1_ohm=nominal.r1_ohm * scale,
        r2_ohm=nominal.r2_ohm * scale,
    )


def scattered(
    nominal: CellParameters, count: int, rng: np.random.Generator
) -> tuple[CellParameters, ...]:
    """`count` cells of one batch around `nominal`; the caller's generator decides.

    One sigma: capacity 1.5 %, resistance 10 %, surface gains 15 %, each held within three;
    self-discharge even over 1-3 % per month.
    """

    def factors(sigma: float) -> Floats:
        result: Floats = 1 + sigma * np.clip(rng.standard_normal(count), -3, 3)
        return result

    capacity, resistance, gain = factors(0.015), factors(0.10), factors(0.15)
    leak = rng.uniform(0.01, 0.03, count)
    return tuple(
        replace(
            nominal,
            capacity_ah=float(nominal.capacity_ah * capacity[i]),
            r0_ohm=float(nominal.r0_ohm * resistance[i]),
            r1_ohm=float(nominal.r1_ohm * resistance[i]),
            r2_ohm=float(nominal.r2_ohm * resistance[i]),
            g1=float(nominal.g1 * gain[i]),
            g2=float(nominal.g2 * gain[i]),
            self_discharge_month=float(leak[i]),
        )
        for i in range(count)
    )


def resistance_factor(surface_soc: float | Floats) -> Floats:
    """m: how much larger every resistance is near empty and near full."""
    zs = np.clip(surface_soc, 0.0, 1.0)
    result: Floats = 1 + 1.2 * np.exp(-zs / 0.04) + 0.3 * np.exp(-(1 - zs) / 0.02)
    return result


def _surface_table() -> Floats:
    """OCV and m on the grid, and below each its rise to the next point: one look-up for all."""
    values = np.stack([OCV_GRID_V, resistance_factor(SOC_GRID)])
    rises = np.diff(values, axis=1)
    rises = np.concatenate([rises, np.zeros((2, 1))], axis=1)
    return np.ascontiguousarray(np.concatenate([values, rises]))


SURFACE_TABLE = _surface_table()
