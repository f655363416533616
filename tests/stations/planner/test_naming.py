"""What is named, what is well, and what is said to be unseen (B2, B6, B8, B16, F5)."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest

from stations.planner.contacts import Contact, Looked
from stations.planner.naming import (
    Filled,
    Look,
    Rested,
    capacity_by_charge,
    leak_month,
    look_at_capacity,
    look_at_contacts,
    look_at_filled,
    look_at_joined_capacity,
    look_at_leads,
    look_at_leak,
    look_at_rest,
)


def leads(ohm: float, *, amps: float = 14.4, was_ohm: float = math.nan) -> Look:
    current_a = np.full(20, amps)
    return look_at_leads(ohm * current_a, current_a, accuracy_v=0.04, commissioned_ohm=was_ohm)


def test_a_bad_lead_is_named_with_its_milliohms() -> None:
    (words,) = leads(0.041).named

    assert words.startswith("lead 41 mΩ")
    assert "lugs" in words


def test_what_the_supplys_voltmeter_may_be_off_by_is_not_blamed_on_the_leads() -> None:
    """40 mV of 14.4 A are 2.8 mohm."""
    assert leads(0.022).named == ()
    assert "sound: 12 mΩ" in leads(0.012).well


def test_leads_that_got_worse_since_the_bench_was_commissioned_are_named() -> None:
    (words,) = leads(0.018, was_ohm=0.006).named

    assert "lead 18 mΩ, and 6 mΩ when the bench was commissioned" in words
    assert leads(0.008, was_ohm=0.006).named == ()


def test_leads_are_not_seen_without_a_current() -> None:
    assert "not observable" in leads(0.041, amps=0.5).unseen
    none = look_at_leads(np.empty(0), np.empty(0), accuracy_v=0.04)
    assert "not observable" in none.unseen


def test_contacts_are_named_well_or_unseen() -> None:
    poor = look_at_contacts(Looked((Contact(3, 0.0101),)))
    assert "cell 3 hangs on a poor contact, up to 10 mΩ" in poor.named[0]
    assert "no poor contact" in look_at_contacts(Looked()).well
    assert look_at_contacts(Looked(words="not observable before the hold")).unseen


def test_a_tail_that_stays_above_its_limit_is_named_with_what_would_leak() -> None:
    """I x 720 h over the bank's Ah: 1.30 A of 800 Ah are 117 % a month."""
    look = look_at_leak(1.30, done_a=1.0, charged_ah=800.0, floor_a=1.30)

    assert leak_month(1.30, 800.0) == pytest.approx(1.17)
    assert "waiting on the leak floor" in look.named[0]
    assert "117 %" in look.named[0]
    assert "which cell is not observable" in look.named[0]


def test_of_a_cell_alone_the_leak_is_its_own() -> None:
    look = look_at_leak(0.5, done_a=0.25, charged_ah=200.0, floor_a=0.5, cell=7)

    assert look.named[0].startswith("cell 7: waiting on the leak floor")


def test_a_tail_says_how_large_a_leak_it_would_not_show() -> None:
    look = look_at_leak(0.95, done_a=1.0, charged_ah=800.0, floor_a=None)
    deep = look_at_leak(0.10, done_a=0.09, charged_ah=3200.0, floor_a=None)

    assert "not observable in a tail of 1.00 A unless the bank loses 90 % a month" in look.unseen
    assert "no leak" in deep.well
    assert (
        "before the hold"
        in look_at_leak(math.nan, done_a=1.0, charged_ah=800.0, floor_a=None).unseen
    )


def rested(position: int, volts: float, hours: float, *, passed: bool = True) -> Rested:
    return Rested(position, volts, 3.42, passed, timedelta(hours=hours))


def test_a_cell_that_falls_away_at_rest_is_named() -> None:
    look = look_at_rest([rested(1, 3.50, 4), rested(2, 3.39, 4, passed=False)])

    assert len(look.named) == 1
    assert look.named[0].startswith("cell 2 rests at 3.390 V, below the 3.420 V")
    assert "leaks" in look.named[0]


@pytest.mark.parametrize(
    ("hours", "well", "unseen"),
    [
        (1, "", "before 4 h of rest"),
        (4, "30 % a month", "before 24 h of rest"),
        (24, "10 % a month", ""),
    ],
)
def test_how_small_a_leak_shows_depends_on_the_rest(hours: float, well: str, unseen: str) -> None:
    look = look_at_rest([rested(1, 3.5, hours), rested(2, 3.5, hours)])

    assert look.named == ()
    assert (well in look.well, unseen in look.unseen) == (True, True)
    assert bool(look.unseen) == bool(unseen)


def test_a_weak_cell_shows_where_it_was_empty_and_alone() -> None:
    """From 3.0 V, some 3 %: 150 Ah fill a cell of 155 Ah."""
    seen = capacity_by_charge(150.0, [3.0])
    look = look_at_filled([Filled(1, 3.0, 188.0), Filled(2, 3.0, 150.0)], 200.0)

    assert 154 < seen.low < seen.high < 156
    assert len(look.named) == 1
    assert look.named[0].startswith("cell 2 is weak: it holds 1")


def test_from_the_plateau_a_weak_cell_is_not_observable() -> None:
    look = look_at_filled([Filled(1, 3.30, 90.0)], 200.0)

    assert look.named == ()
    assert "not observable of cell 1" in look.unseen


def test_joined_cells_hide_a_weak_one_unless_all_were_empty() -> None:
    hidden = look_at_joined_capacity(300.0, [3.30] * 4, 200.0)
    shown = look_at_joined_capacity(600.0, [3.0] * 4, 200.0)

    assert "they share one voltage" in hidden.unseen
    assert "weak cells are among these" in shown.named[0]


def test_a_capacity_test_tells_a_weak_cell() -> None:
    assert "holds 170 of 200 Ah" in look_at_capacity(170.0, 200.0).named[0]
    assert look_at_capacity(196.0, 200.0).named == ()
