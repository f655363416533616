"""CC/CV tails, rests and times against the tables of the reference cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import CellParameters, cell_of, scattered
from stations.model.states import CellStates
from tests.stations.model.charging import CELL_SENSED, charge_until, lossless, one_cell, rest_v
from tests.stations.model.tables import Tell


@pytest.mark.parametrize(
    ("current_a", "soc_at_cv", "minutes_to_quarter_amp", "soc_at_end"),
    [
        (100.0, 0.970, 97, 0.9972),
        (40.0, 0.986, 77, 0.9975),
        (20.0, 0.992, 59, 0.9979),
        (10.0, 0.996, 42, 0.9985),
        (5.0, 0.998, 26, 0.9989),
    ],
)
def test_tail_of_a_single_cell(
    current_a: float,
    soc_at_cv: float,
    minutes_to_quarter_amp: float,
    soc_at_end: float,
    told: Tell,
) -> None:
    bank = one_cell(0.5)

    cc_s, cv_s = charge_until(bank, current_a, 0.25)

    at_cv = 0.5 + cc_s * current_a / 720_000
    told(
        "Tail of one 200 Ah cell at 3.65 V: SOC at CV, minutes to 0.25 A, SOC there",
        f"{current_a:.0f} A",
        ours=[at_cv, cv_s / 60, bank.states.soc[0]],
        source=[soc_at_cv, minutes_to_quarter_amp, soc_at_end],
    )
    assert at_cv == pytest.approx(soc_at_cv, abs=0.001)
    assert cv_s / 60 == pytest.approx(minutes_to_quarter_amp, rel=0.02)
    assert bank.states.soc[0] == pytest.approx(soc_at_end, abs=0.0002)


@pytest.mark.parametrize(
    ("current_a", "tail_a", "expected"),
    [  # volts at 1, 10, 30, 60, 240 and 1440 min
        (100.0, 10.0, [3.575, 3.380, 3.360, 3.357, 3.356, 3.355]),
        (20.0, 5.0, [3.618, 3.465, 3.401, 3.388, 3.376, 3.369]),
        (20.0, 0.5, [3.646, 3.618, 3.584, 3.559, 3.493, 3.443]),
        (20.0, 0.25, [3.648, 3.633, 3.611, 3.590, 3.526, 3.464]),
    ],
)
def test_rest_after_disconnect(
    current_a: float, tail_a: float, expected: list[float], told: Tell
) -> None:
    bank = one_cell(0.5)
    charge_until(bank, current_a, tail_a)

    seen = rest_v(bank, 1, 10, 30, 60, 240, 1440)

    told(
        "Volts at 1, 10, 30, 60 min, 4 and 24 h after disconnect",
        f"{current_a:g} A to {tail_a:g} A",
        ours=seen,
        source=expected,
    )
    assert seen == pytest.approx(expected, abs=0.006)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("change", "four_hours", "a_day"),
    [
        ({"self_discharge_month": 0.05}, 3.516, 3.429),
        ({"g2": 0.03}, 3.455, 3.409),
    ],
)
def test_rest_of_unusual_cells(change: dict[str, float], four_hours: float, a_day: float) -> None:
    bank = one_cell(0.5, replace(lossless(), **change))
    charge_until(bank, 20.0, 0.25)

    assert rest_v(bank, 240, 1440) == pytest.approx([four_hours, a_day], abs=0.003)


@pytest.mark.parametrize(
    ("temperature_c", "ten_minutes", "four_hours"), [(10.0, 3.631, 3.512), (40.0, 3.634, 3.552)]
)
def test_rest_in_cold_and_heat(temperature_c: float, ten_minutes: float, four_hours: float) -> None:
    cell = replace(lossless().at(temperature_c), self_discharge_month=0.02)
    bank = one_cell(0.5, cell)
    charge_until(bank, 20.0, 0.25)

    assert rest_v(bank, 10, 240) == pytest.approx([ten_minutes, four_hours], abs=0.003)


def test_a_slow_bank_rests_highest() -> None:
    bank = Bank([lossless()] * 16, CELL_SENSED, soc=[0.97] * 16)
    charge_until(bank, 20.0, 4.0)

    assert rest_v(bank, 10, 240) == pytest.approx([3.636, 3.605], abs=0.002)


def test_rest_from_empty_rises_as_after_a_fifth_of_c_to_2v50(told: Tell) -> None:
    states = CellStates([lossless()], [0.50])
    discharge = np.array([-40.0])
    while float(states.emf_v[0] + states.resistance_ohm[0] * discharge[0]) > 2.50:
        states.advance(1.0 if states.is_near_an_end() else 10.0, discharge)

    seen = []
    for wait_s in (60, 540, 1200, 12_600):
        states.advance(wait_s, np.zeros(1))
        seen.append(float(states.emf_v[0]))

    source = [2.57, 2.73, 2.81, 2.85]
    told("Rebound: volts at 1, 10, 30 min, 4 h", "0.2C to 2.50 V", ours=seen, source=source)
    assert seen == pytest.approx(source, abs=0.012)


@pytest.mark.parametrize(
    ("rates_c", "mean_v", "within_v", "spread_mv"),
    [  # without a taper the source's mean is 23 mV above that of its own cell from 10 %
        ((0.2,), 2.804, 0.030, 39),
        ((0.2, 0.05), 2.782, 0.030, 30),
        ((0.2, 0.05, 0.01), 2.550, 0.008, 4),
    ],
)
def test_a_taper_ends_near_2v50_and_level(
    rates_c: tuple[float, ...], mean_v: float, within_v: float, spread_mv: float, told: Tell
) -> None:
    """16 scattered cells, each emptied alone from 10 %, after 30 min of rest.

    The spread is of one draw, theirs and ours, and so within half of it.
    """
    rng = np.random.default_rng(4)
    nominal, cells = lossless(), scattered(lossless(), 16, rng)

    seen = [_rested_v(_gains_by_tenths(cell, nominal), rates_c) for cell in cells]

    mean, spread = float(np.mean(seen)), 1000 * (max(seen) - min(seen))
    row = ", ".join(f"{c_rate:g}C" for c_rate in rates_c) + " to 2.50 V"
    told(
        "Taper: mean volts at 30 min, mV between 16 cells",
        row,
        ours=[mean, spread],
        source=[mean_v, spread_mv],
    )
    assert mean == pytest.approx(mean_v, abs=within_v)
    assert spread == pytest.approx(spread_mv, rel=0.5)


def _gains_by_tenths(cell: CellParameters, nominal: CellParameters) -> CellParameters:
    """The surface gains as the source scatters them, by 10 % (one sigma) and not by 15."""
    g1, g2 = (n + (c - n) / 1.5 for c, n in ((cell.g1, nominal.g1), (cell.g2, nominal.g2)))
    return replace(cell, g1=g1, g2=g2)


def _rested_v(cell: CellParameters, rates_c: tuple[float, ...]) -> float:
    """Volts half an hour after the cell gave each current down to 2.50 V."""
    states = CellStates([cell], [0.10])
    for c_rate in rates_c:
        amps = np.array([-c_rate * 200.0])
        while float(states.emf_v[0] + states.resistance_ohm[0] * amps[0]) > 2.50:
            states.advance(1.0 if states.is_near_an_end() else 10.0, amps)
    states.advance(1800.0, np.zeros(1))
    return float(states.emf_v[0])


@pytest.mark.parametrize(
    ("count", "capacity_ah", "current_a", "soc", "hours", "within"),
    [  # at 0.25C a longer charge has a longer tail; the source adds bare charge to its 90 %
        (4, 200.0, 20.0, 0.1, 36.0, 0.03),
        (4, 200.0, 20.0, 0.5, 20.0, 0.03),
        (4, 200.0, 20.0, 0.9, 4.3, 0.03),
        (4, 100.0, 100.0, 0.1, 4.6, 0.13),
        (4, 100.0, 100.0, 0.5, 3.0, 0.13),
        (4, 100.0, 100.0, 0.9, 1.4, 0.03),
        (16, 200.0, 100.0, 0.1, 29.0, 0.03),
        (16, 200.0, 100.0, 0.5, 16.0, 0.03),
        (16, 200.0, 100.0, 0.9, 3.6, 0.03),
    ],
)
def test_time_of_a_cell_sensed_balance(
    count: int,
    capacity_ah: float,
    current_a: float,
    soc: float,
    hours: float,
    within: float,
    told: Tell,
) -> None:
    bank = Bank([lossless(capacity_ah)] * count, CELL_SENSED, soc=[soc] * count)

    taken_s = sum(charge_until(bank, current_a, 0.00125 * count * capacity_ah))

    row = f"{count} x {capacity_ah:.0f} Ah at {current_a:.0f} A from {soc:.0%}"
    told("Hours of a parallel top balance", row, ours=[taken_s / 3600], source=[hours])
    assert taken_s / 3600 == pytest.approx(hours, rel=within)


@pytest.mark.parametrize(("lead_ohm", "hours"), [(0.0, 2.0), (0.01, 6.0), (0.03, 16.0)])
def test_leads_stretch_the_tail_of_a_two_wire_supply(
    lead_ohm: float, hours: float, told: Tell
) -> None:
    wiring = Wiring("star", link_ohm=0.0, lead_ohm=lead_ohm)
    bank = Bank([lossless()] * 16, wiring, soc=[0.95] * 16)

    taken_h = sum(charge_until(bank, 100.0, 4.0)) / 3600

    row = f"{lead_ohm * 1000:.0f} mΩ, 16 x 200 Ah from 95 % at 100 A to 4 A"
    told("Hours by what the leads drop", row, ours=[taken_h], source=[hours])
    assert taken_h == pytest.approx(hours, rel=0.04)


def test_default_parameters_are_the_reference_cell() -> None:
    assert cell_of(200.0) == CellParameters()
