"""What paralleled cells do to each other: the surge at joining, the spread that is left."""

from __future__ import annotations

import copy

import pytest

from stations.model.bank import Bank, Solution, Wiring
from stations.model.ocv import soc_at
from stations.values import Setpoint
from tests.stations.model.charging import TOP_V, charge_until, lossless
from tests.stations.model.tables import Tell

SPREADS = "Spread of 4 cells, 80 A to 20 A, mV: under current, then 10 min, 1 h, 4 h apart"


def spread_mv(seen: Solution) -> float:
    return float(seen.cell_v.max() - seen.cell_v.min()) * 1e3


def unequal(link_ohm: float, contact_ohm: tuple[float, ...] = ()) -> Bank:
    wiring = Wiring("star", link_ohm, lead_ohm=0.0, contact_ohm=contact_ohm)
    cells = [lossless(q) for q in (196.0, 200.0, 204.0, 193.0)]
    return Bank(cells, wiring, soc=[0.50, 0.45, 0.55, 0.40])


def spreads(bank: Bank, tail_a: float) -> tuple[float, list[float]]:
    """After 80 A to `tail_a`: under current, then 10 min, 1 h and 4 h after opening."""
    charge_until(bank, 80.0, tail_a)
    under = spread_mv(bank.solve(Setpoint(TOP_V, 80.0)))
    bank.linked = False
    return under, [spread_mv(bank.advance(wait, None)) for wait in (600, 3000, 10_800)]


def test_spread_after_clean_links_is_small_under_current_and_larger_at_rest(told: Tell) -> None:
    under, rested = spreads(unequal(0.5e-3), 20.0)

    told(SPREADS, "links 0.5 mΩ", ours=[under, *rested], source=[0.9, 69, 37, 25])
    assert under == pytest.approx(0.9, abs=0.15)
    assert rested == pytest.approx([69, 37, 25], abs=3)


def test_a_smaller_cutoff_leaves_less_spread_at_first(told: Tell) -> None:
    bank, early = unequal(0.5e-3), []
    for tail_a in (20.0, 5.0, 1.0, 0.25):
        charge_until(bank, 80.0, tail_a)
        twin = copy.deepcopy(bank)
        twin.linked = False
        early.append(spread_mv(twin.advance(600, None)))

    told(
        "Spread 10 min apart, mV, by where the tail stopped: 20, 5, 1, 0.25 A of the bank",
        "links 0.5 mΩ",
        ours=early,
        source=[69, 39, 7, 2],
    )
    assert early == sorted(early, reverse=True)
    assert early == pytest.approx([69, 39, 7, 2], abs=2)


def test_spread_under_current_grows_with_the_link(told: Tell) -> None:
    under, rested = spreads(unequal(3e-3), 20.0)

    told(SPREADS, "links 3 mΩ", ours=[under, *rested], source=[24, 165, 114, 74])
    assert under == pytest.approx(24, abs=2)
    assert rested[0] == pytest.approx(165, rel=0.05)


def test_one_bad_contact_holds_its_cell_back(told: Tell) -> None:
    under, rested = spreads(unequal(0.5e-3, (0.0, 0.0, 9.5e-3, 0.0)), 20.0)

    told(SPREADS, "one contact 10 mΩ", ours=[under, *rested], source=[189, 255, 252, 228])
    assert under == pytest.approx(189, rel=0.06)
    assert rested[0] == pytest.approx(255, rel=0.06)


def test_deeper_tails_rest_higher_after_four_hours() -> None:
    rested = []
    for tail_a in (20.0, 4.0, 1.0):
        bank = Bank([lossless()] * 4, Wiring("star", 0.3e-3, 0.0), soc=[0.95] * 4)
        charge_until(bank, 80.0, tail_a)
        bank.linked = False
        rested.append(bank.advance(4 * 3600, None).far_end_v)

    assert rested == sorted(rested)


@pytest.mark.parametrize(
    ("high_v", "low_v", "link_ohm", "peak_a", "after_a_minute", "after_an_hour"),
    [
        (3.30, 3.25, 0.1e-3, 71, 33, 5.6),
        (3.30, 3.25, 1e-3, 20, 16, 5.1),
        (3.30, 3.15, 1e-3, 59, 42, 11),
        (3.30, 3.00, 0.1e-3, 358, 117, 12),
        (3.65, 3.35, 0.1e-3, 369, 11, 0),
        (3.65, 3.35, 1e-3, 115, 15, 0),
    ],
)
def test_surge_between_two_cells(
    high_v: float,
    low_v: float,
    link_ohm: float,
    peak_a: float,
    after_a_minute: float,
    after_an_hour: float,
    told: Tell,
) -> None:
    soc = [soc_at(high_v), soc_at(low_v)]
    bank = Bank([lossless()] * 2, Wiring("star", link_ohm, 0.0), soc=soc)

    seen = [bank.advance(wait, None).current_a[1] for wait in (0, 60, 3540)]

    expected = [peak_a, after_a_minute, after_an_hour]
    row = f"{high_v:.2f} V on {low_v:.2f} V, links {link_ohm * 1000:g} mΩ"
    told("Surge of two joined cells, A: at once, 1 min, 1 h", row, ours=seen, source=expected)
    assert seen == pytest.approx(expected, rel=0.03, abs=0.6)


def test_one_low_cell_joined_to_fifteen() -> None:
    soc = [soc_at(3.30)] * 15 + [soc_at(3.00)]
    bank = Bank([lossless()] * 16, Wiring("star", 0.1e-3, 0.0), soc=soc)
    low = bank.states.soc[-1]

    seen = [bank.advance(wait, None).current_a[-1] for wait in (0, 60, 3540)]

    assert seen == pytest.approx([586, 162, 16], rel=0.03)
    bank.advance(11 * 3600, None)
    assert (bank.states.soc[-1] - low) * 200 == pytest.approx(60, rel=0.03)


def test_half_an_ohm_limits_the_surge_and_equalises_nothing() -> None:
    soc = [soc_at(3.30), soc_at(3.00)]
    bank = Bank([lossless()] * 2, Wiring("star", 0.5, 0.0), soc=soc)

    seen = bank.advance(180, None)

    assert seen.current_a[1] == pytest.approx(0.30, abs=0.005)
    assert (bank.states.soc[1] - soc[1]) * 200 == pytest.approx(0.015, abs=0.002)
