"""One cell alone on the leads: it takes the current, the others rest, the meter stands on it."""

from __future__ import annotations

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.values import Setpoint

SUPPLY = Setpoint(3.65, 10.0)


def table(alone: int) -> Bank:
    bank = Bank([cell_of(200.0)] * 3, Wiring(), soc=(0.5, 0.6, 0.7), linked=False, fed=True)
    bank.alone = alone
    return bank


def test_only_the_cell_on_the_leads_takes_current() -> None:
    bank = table(2)

    seen = bank.advance(3600.0, SUPPLY)

    assert seen.current_a.tolist() == [0.0, 10.0, 0.0]
    assert seen.supply_current_a == 10.0
    assert seen.far_end_v == seen.cell_v[1]
    assert seen.supply_voltage_v == pytest.approx(seen.far_end_v + 10.0 * 5e-3)
    assert bank.states.soc.tolist() == pytest.approx([0.5, 0.65, 0.7], abs=1e-3)


def test_open_leads_carry_nothing_and_the_meter_goes_back_to_the_last_cell() -> None:
    bank = table(1)
    bank.fed = False
    assert bank.solve(SUPPLY).supply_current_a == 0.0

    bank.alone = 0

    seen = bank.solve(None)
    assert seen.far_end_v == seen.cell_v[-1]
