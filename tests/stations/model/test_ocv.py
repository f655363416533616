from __future__ import annotations

import numpy as np
import pytest

from stations.model.ocv import OCV_GRID_V, SOC_GRID, monotone_cubic, ocv_v, soc_at


@pytest.mark.parametrize(
    ("soc", "volts"),
    [
        *((0.0, 2.500), (0.01, 2.805), (0.02, 2.920), (0.05, 3.095), (0.10, 3.206)),
        *((0.20, 3.250), (0.50, 3.300), (0.70, 3.330), (0.90, 3.337)),
        *((0.99, 3.355), (0.997, 3.447), (1.0, 3.65)),
    ],
)
def test_passes_through_the_anchors_of_the_source(soc: float, volts: float) -> None:
    assert ocv_v(soc) == pytest.approx(volts, abs=0.0016)


def test_rises_everywhere() -> None:
    assert np.all(np.diff(OCV_GRID_V) > 0)


def test_leaves_steeply_beyond_full_and_empty() -> None:
    assert ocv_v(-0.005) == pytest.approx(2.05)
    assert ocv_v(1.01) == pytest.approx(3.65 + 0.9)


def test_soc_at_inverts_the_curve() -> None:
    for soc in (0.003, 0.2, 0.62, 0.995):
        assert soc_at(float(ocv_v(soc))) == pytest.approx(soc, abs=1e-6)


def test_grid_is_close_to_the_cubic_between_its_points() -> None:
    x = np.array([0.0, 0.3, 0.5, 1.0])
    y = np.array([0.0, 0.1, 0.8, 1.0])
    between = np.linspace(0, 1, 500)

    curve = monotone_cubic(x, y, between)

    assert monotone_cubic(x, y, x) == pytest.approx(y)
    assert np.all(np.diff(curve) >= 0)


def test_a_level_stretch_stays_level_and_a_peak_is_not_overshot() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    y = np.array([0.0, 1.0, 1.0, 0.0])

    curve = monotone_cubic(x, y, np.linspace(0, 3, 301))

    assert curve.max() == pytest.approx(1.0)
    assert monotone_cubic(x, y, np.array([1.5])) == pytest.approx(1.0)


def test_every_point_of_the_source_is_on_the_grid() -> None:
    assert SOC_GRID[np.searchsorted(SOC_GRID, 0.9955 - 1e-9)] == pytest.approx(0.9955, abs=1e-12)
