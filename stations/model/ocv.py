"""Rested voltage of an LFP cell against state of charge, as one dense table.

`lfp_ocv.csv` gives 159 points.  Its ends come from the C/32 table of a Lithium Werks
APR18650M1B cell (Piecewise-Battery-OCV; Sunil et al., IEEE TIM 2025), re-based so that
0 is 2.50 V and 1 is 3.65 V at equilibrium; the plateau is anchored to the storage window of
the Lishen LP54173207 specification Rev 0 (3.275-3.304 V at 30-50 %); the step at 60-70 % and
the sharpening above 99 % are engineering estimates.  Charge and discharge branches differ by
the hysteresis, which the cell model carries as a state, so only the mean is used here.

Between the points runs a monotone cubic after Fritsch and Carlson, SIAM J. Numer. Anal. 17
(1980) 238-246.  Outside 0..1 the voltage leaves at 90 V per unit of SOC, so that over-charge
and over-discharge look like what they are.
"""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SLOPE_OUTSIDE = 90.0  # volts per unit of SOC beyond 0..1; 2.05 V at -0.005

# One grid for every table over SOC.  2e-5 keeps straight lines within a microvolt of the cubic,
# and every point of the CSV lies on it.
GRID_PER_SOC = 50_000
GRID_MARGIN = 50_000  # points beyond each end, so that no state of a fault leaves the table


def monotone_tangents(x: Floats, y: Floats) -> Floats:
    """Slopes at `x` that keep a cubic Hermite curve through a monotone `y` monotone."""
    secants = np.diff(y) / np.diff(x)
    slopes = np.concatenate(
        ([secants[0]], (secants[:-1] + secants[1:]) / 2, [secants[-1]]), dtype=np.float64
    )
    turns = np.concatenate(([False], secants[:-1] * secants[1:] <= 0, [False]))
    slopes[turns] = 0.0
    for i, secant in enumerate(secants):
        if secant == 0:
            slopes[i] = slopes[i + 1] = 0.0
            continue
        radius = np.hypot(slopes[i] / secant, slopes[i + 1] / secant)
        if radius > 3:
            slopes[i : i + 2] *= 3 / radius
    return slopes


def monotone_cubic(x: Floats, y: Floats, at: Floats) -> Floats:
    """The monotone cubic through (`x`, `y`) at points inside `x`."""
    slopes = monotone_tangents(x, y)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    width = x[i + 1] - x[i]
    t = (at - x[i]) / width
    result: Floats = (
        (1 + 2 * t) * (1 - t) ** 2 * y[i]
        + t * (1 - t) ** 2 * width * slopes[i]
        + t**2 * (3 - 2 * t) * y[i + 1]
        + t**2 * (t - 1) * width * slopes[i + 1]
    )
    return result


def _points() -> tuple[Floats, Floats]:
    text = resources.files(__package__).joinpath("lfp_ocv.csv").read_text(encoding="ascii")
    rows = list(csv.DictReader(text.splitlines()))
    soc = np.array([float(row["soc"]) for row in rows])
    return soc, np.array([float(row["ocv_mean_v"]) for row in rows])


def _dense() -> tuple[Floats, Floats]:
    soc, volts = _points()
    grid = np.arange(-GRID_MARGIN, GRID_PER_SOC + GRID_MARGIN + 1) / GRID_PER_SOC
    inside = np.clip(grid, 0.0, 1.0)
    return grid, monotone_cubic(soc, volts, inside) + SLOPE_OUTSIDE * (grid - inside)


SOC_GRID, OCV_GRID_V = _dense()


def ocv_v(soc: float | Floats) -> Floats:
    """Equilibrium volts at `soc`, which may lie outside 0..1; held to the table's -1..2."""
    x = np.asarray(soc, dtype=np.float64)
    result: Floats = np.interp(x, SOC_GRID, OCV_GRID_V)
    return result


def soc_at(rested_v: float) -> float:
    """The SOC whose equilibrium voltage is `rested_v`, held to the table's -1..2.

    On the plateau this is a poor estimate of a real cell: 10 mV can be 20 % of SOC.
    """
    return float(np.interp(rested_v, OCV_GRID_V, SOC_GRID))
