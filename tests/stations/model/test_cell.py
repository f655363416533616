from __future__ import annotations

import numpy as np
import pytest

from stations.model.cell import CellParameters, cell_of, resistance_factor, scattered


def test_resistance_goes_with_one_over_capacity_and_time_constants_stay() -> None:
    small, reference = cell_of(100.0), CellParameters()

    assert small.r0_ohm == pytest.approx(2 * reference.r0_ohm)
    assert small.r2_ohm == pytest.approx(2 * reference.r2_ohm)
    assert (small.t1_s, small.tau2_s, small.g1) == (reference.t1_s, reference.tau2_s, reference.g1)


@pytest.mark.parametrize(("temperature_c", "factor"), [(10.0, 1.90), (25.0, 1.0), (40.0, 0.56)])
def test_cold_slows_and_resists(temperature_c: float, factor: float) -> None:
    cell = CellParameters().at(temperature_c)

    assert cell.r0_ohm / CellParameters().r0_ohm == pytest.approx(factor, abs=0.005)
    assert cell.tau2_s / CellParameters().tau2_s == pytest.approx(factor, abs=0.005)
    assert cell.t1_s == CellParameters().t1_s


def test_self_discharge_doubles_every_ten_degrees() -> None:
    assert CellParameters().at(35.0).self_discharge_month == pytest.approx(0.04)


def test_resistance_rises_at_both_ends() -> None:
    assert resistance_factor(0.5) == pytest.approx(1.0, abs=1e-4)
    assert resistance_factor(0.0) == pytest.approx(2.2, abs=1e-4)
    assert resistance_factor(1.0) == pytest.approx(1.3, abs=1e-4)
    assert resistance_factor(1.5) == resistance_factor(1.0)


def test_scatter_is_the_callers_generators_and_of_the_stated_width() -> None:
    cells = scattered(cell_of(200.0), 2000, np.random.default_rng(4))
    again = scattered(cell_of(200.0), 2000, np.random.default_rng(4))

    capacity = np.array([cell.capacity_ah for cell in cells])
    resistance = np.array([cell.r1_ohm for cell in cells])
    leak = [cell.self_discharge_month for cell in cells]
    assert cells == again
    assert capacity.std() / 200 == pytest.approx(0.015, rel=0.1)
    assert resistance.std() / 0.3e-3 == pytest.approx(0.10, rel=0.1)
    assert min(leak) >= 0.01
    assert max(leak) <= 0.03
