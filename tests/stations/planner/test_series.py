"""F5: hours of a series pre-charge (lfp-cell physics, section 7), and beside a parallel bank."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.planner.knowledge import Known
from stations.planner.series import series_hours
from stations.procedures.steps import SeriesCharge
from stations.values import Window
from tests.stations.procedures.test_series_precharge import made

FROM_HALF = Known(200.0, (Window(0.5, 0.5),) * 16)


def charge_of(amps: float) -> SeriesCharge:
    (charge,) = (step for step in made(16).steps if isinstance(step, SeriesCharge))
    return replace(charge, setpoint=replace(charge.setpoint, current_a=amps))


@pytest.mark.parametrize(("amps", "hours"), [(10.0, 9.9), (20.0, 4.9), (40.0, 2.4)])
def test_hours_are_those_of_the_fullest_cell(amps: float, hours: float) -> None:
    """Section 7: Q (z_cv - z_max) / I, from 50 % for the highest cell."""
    assert series_hours(charge_of(amps), FROM_HALF).middle == pytest.approx(hours, abs=0.1)


def test_cells_that_nobody_has_measured_take_an_interval() -> None:
    unknown = Known(200.0, (Window(0.1, 0.9),) * 4)

    found = series_hours(charge_of(20.0), unknown)

    assert found.low < found.middle < found.high
    assert found.high == pytest.approx(8.1, abs=0.1)  # from 18 %
