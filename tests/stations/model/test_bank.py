"""What must hold for any bank: charge, order of cells, floor of the tail, faults."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of, scattered
from stations.values import Setpoint
from tests.stations.model.charging import CELL_SENSED, TOP_V, charge_until, lossless, one_cell

SUPPLY = Setpoint(TOP_V, 80.0)
SOC = [0.90, 0.93, 0.88, 0.95]


def four(wiring: Wiring, soc: list[float] | None = None) -> Bank:
    return Bank([lossless(q) for q in (196, 200, 204, 193)], wiring, soc=soc or SOC)


@pytest.mark.parametrize("layout", ["star", "ladder"])
def test_cell_currents_add_up_and_ah_in_are_ah_stored(layout: str) -> None:
    wiring = Wiring("star" if layout == "star" else "ladder", link_ohm=0.2e-3)
    bank = four(wiring)
    cells = [replace(cell, self_discharge_month=0.0) for cell in bank.states.cells]
    bank = Bank(cells, wiring, soc=SOC)
    before, ah_in = bank.states.soc.copy(), 0.0

    for _ in range(1800):
        seen = bank.step(1.0, SUPPLY)
        assert seen.current_a.sum() == pytest.approx(seen.supply_current_a, abs=1e-6)
        ah_in += seen.supply_current_a / 3600

    stored = float(((bank.states.soc - before) * bank.states.capacity_ah).sum())
    assert stored == pytest.approx(ah_in, rel=1e-6)


def test_part_of_the_charge_is_lost_by_coulombic_efficiency() -> None:
    bank = one_cell(0.5, replace(cell_of(200.0), coulombic_efficiency=0.99))

    bank.advance(3600, Setpoint(TOP_V, 20.0))

    assert (bank.states.soc[0] - 0.5) * 200 == pytest.approx(20.0 * 0.99, rel=2e-3)


def test_doubling_the_current_halves_the_cc_time() -> None:
    slow, _ = charge_until(one_cell(0.5), 20.0, 19.0)
    fast, _ = charge_until(one_cell(0.5), 40.0, 39.0)

    assert slow / fast == pytest.approx(2.0, rel=0.02)


def test_order_of_cells_matters_in_a_ladder_and_not_in_a_star() -> None:
    def currents(layout: str, soc: list[float]) -> list[float]:
        wiring = Wiring("star" if layout == "star" else "ladder", link_ohm=0.5e-3)
        bank = Bank([lossless()] * 4, wiring, soc=soc)
        return sorted(bank.advance(600, SUPPLY).current_a.tolist())

    swapped = [SOC[2], SOC[1], SOC[0], SOC[3]]
    assert currents("star", SOC) == pytest.approx(currents("star", swapped), abs=1e-9)
    assert currents("ladder", SOC) != pytest.approx(currents("ladder", swapped), abs=0.2)


def test_cv_current_never_settles_below_the_leak_floor() -> None:
    leaky = replace(cell_of(200.0), self_discharge_month=0.30)
    bank = Bank([leaky] * 4, CELL_SENSED, soc=[0.995] * 4)
    floor_a = 4 * 200 * 0.30 / 720

    seen = [bank.advance(1800, Setpoint(TOP_V, 20.0)).supply_current_a for _ in range(4)]

    assert min(seen) >= floor_a
    assert seen[-1] < 3 * floor_a


def test_a_load_draws_its_current_until_the_voltage_has_fallen() -> None:
    bank = one_cell(0.5)

    drawing = bank.solve(Setpoint(2.50, -40.0))
    empty = bank.solve(Setpoint(3.60, -40.0))

    assert (drawing.supply_current_a, drawing.regulation) == (-40.0, "CC")
    assert drawing.supply_voltage_v < bank.solve(None).supply_voltage_v
    assert (empty.supply_current_a, empty.regulation) == (0.0, "CV")


def test_a_load_in_cv_tapers_at_the_set_voltage() -> None:
    bank = one_cell(0.02)
    amps = [bank.advance(600, Setpoint(2.80, -40.0)).supply_current_a for _ in range(6)]

    seen = bank.solve(Setpoint(2.80, -40.0))

    assert seen.supply_voltage_v == pytest.approx(2.80, abs=1e-9)
    assert all(before < after < 0.0 for before, after in pairwise(amps))


def test_ah_out_are_ah_gone() -> None:
    bank = one_cell(0.9, replace(cell_of(200.0), self_discharge_month=0.0))

    bank.advance(3600, Setpoint(2.50, -40.0))

    assert (0.9 - bank.states.soc[0]) * 200 == pytest.approx(40.0, rel=1e-6)


def test_supply_only_sources() -> None:
    bank = four(Wiring(), soc=[0.999] * 4)

    seen = bank.advance(60, Setpoint(3.30, 20.0))

    assert (seen.supply_current_a, seen.regulation) == (0.0, "CV")
    assert seen.supply_voltage_v == pytest.approx(seen.far_end_v, abs=1e-3)


def test_supply_holds_the_voltage_of_its_own_terminals_not_of_the_bank() -> None:
    bank = four(Wiring(lead_ohm=5e-3), soc=[0.9995] * 4)

    seen = bank.advance(60, Setpoint(TOP_V, 14.4))

    assert seen.regulation == "CV"
    assert seen.supply_voltage_v == pytest.approx(TOP_V, abs=1e-9)
    drop_v = seen.supply_current_a * 5e-3
    assert seen.far_end_v == pytest.approx(TOP_V - drop_v, abs=2e-3)


def test_a_poor_lead_starts_cv_early_with_cells_far_from_full() -> None:
    """16 cells, 1 mohm ladder, 100 A: the supply shows 3.65 V at once, the cells 3.35 V."""
    bank = Bank([lossless()] * 16, Wiring("ladder", 1e-3, 1e-3), soc=[0.90] * 16)

    seen = bank.advance(60, Setpoint(TOP_V, 100.0))

    assert seen.regulation == "CV"
    assert float(np.median(seen.cell_v)) < 3.36


def test_unlinked_cells_are_alone_and_the_supply_is_open() -> None:
    bank = four(Wiring())
    bank.linked = False

    seen = bank.advance(3600, SUPPLY)

    assert not seen.current_a.any()
    assert (seen.supply_current_a, seen.supply_voltage_v, seen.regulation) == (0.0, TOP_V, "CV")
    assert len({round(v, 5) for v in seen.cell_v.tolist()}) == 4
    assert math.isnan(bank.solve(None).supply_voltage_v)


def test_leads_off_leave_a_joined_bank_unfed() -> None:
    bank = four(Wiring())
    bank.fed = False

    seen = bank.solve(SUPPLY)

    assert seen.supply_current_a == 0.0
    assert seen.current_a.sum() == pytest.approx(0.0, abs=1e-9)
    assert abs(seen.current_a).max() > 1.0
    assert seen.supply_voltage_v == TOP_V
    assert math.isnan(bank.solve(None).supply_voltage_v)


def test_one_long_rest_is_the_same_as_many_short_ones() -> None:
    once = four(Wiring())
    once.advance(900, SUPPLY)
    once.linked = False
    often = copy.deepcopy(once)

    once.advance(4 * 3600, None)
    for _ in range(4 * 60):
        often.advance(60, None)

    assert once.solve(None).cell_v == pytest.approx(often.solve(None).cell_v, abs=1e-9)


def test_a_copy_goes_its_own_way() -> None:
    bank = four(Wiring())
    twin = copy.deepcopy(bank)

    bank.advance(600, SUPPLY)

    assert twin.states.soc.tolist() == SOC
    assert twin.advance(600, SUPPLY).cell_v == pytest.approx(bank.solve(SUPPLY).cell_v)


def test_a_reversed_cell_reads_negative_and_shorts_the_bank_when_linked() -> None:
    cells = [lossless()] * 4
    bank = Bank(cells, Wiring(), soc=SOC, reversed_positions=frozenset({2}), linked=False)
    alone = bank.solve(None)

    bank.linked = True
    joined = bank.solve(None)

    assert alone.cell_v[1] == pytest.approx(-3.34, abs=0.02)
    assert joined.current_a[1] > 5000
    before = bank.states.soc[1]
    bank.advance(5, None)
    assert bank.states.soc[1] < before


def test_a_bad_contact_shows_as_volts_in_proportion_to_current() -> None:
    wiring = Wiring(contact_ohm=(0.0, 0.0, 5e-3, 0.0))
    bank = Bank([lossless()] * 4, wiring, soc=[0.6] * 4)

    seen = bank.solve(Setpoint(TOP_V, 80.0))

    others = [seen.cell_v[i] for i in (0, 1, 3)]
    assert max(others) - min(others) == pytest.approx(0.0, abs=1e-12)
    assert seen.current_a[2] < seen.current_a[0] / 4


def test_a_contact_may_go_bad_while_the_bank_stands() -> None:
    bank = four(Wiring())
    good_a = bank.advance(60, SUPPLY).current_a[2]

    bank.wiring = replace(bank.wiring, contact_ohm=(0.0, 0.0, 5e-3, 0.0))

    assert bank.solve(SUPPLY).current_a[2] < good_a / 2


def test_an_overcharged_cell_runs_away_steeply() -> None:
    bank = one_cell(1.0)

    assert bank.advance(180, Setpoint(5.0, 40.0)).far_end_v > 3.9


def test_scattered_banks_are_reproducible() -> None:
    def volts() -> list[float]:
        cells = scattered(cell_of(200.0), 4, np.random.default_rng(11))
        return [*Bank(cells, soc=SOC).advance(300, SUPPLY).cell_v.tolist()]

    assert volts() == volts()


@pytest.mark.parametrize(
    ("count", "soc", "contacts"), [(2, [0.5], ()), (0, [], ()), (2, [0.5, 0.5], (0.0,))]
)
def test_lists_that_do_not_fit_are_refused(
    count: int, soc: list[float], contacts: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="cells"):
        Bank([lossless()] * count, Wiring(contact_ohm=contacts), soc=soc)
