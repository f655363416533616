"""B3: what is said of cells that must not be joined: who is low, what would surge, what helps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.procedures.joining import joining_problems, low_cells, peak_c_rate
from stations.procedures.rules import ParallelRule
from stations.procedures.steps import Measure
from tests.stations.procedures.scripted import program


def rule_of() -> ParallelRule:
    step = program().steps[0]
    assert isinstance(step, Measure)
    assert isinstance(step.rule, ParallelRule)
    return step.rule


RULE = replace(rule_of(), path_ohm=0.00125)  # 0.25 mohm and a link of 1 mohm


def test_two_cells_surge_by_half_their_difference() -> None:
    """dV / (2 (R0 + link)): 0.15 V through 1.25 mohm each."""
    assert peak_c_rate(RULE, (3.30, 3.15)) * 200 == pytest.approx(60.0)


def test_cells_220_mv_apart_are_levelled_as_a_bank_of_their_own() -> None:
    found = joining_problems(RULE, (3.30, 3.09, 3.29, 3.08))

    assert found == [
        "The cells differ by 220 mV, above 150 mV: joined now, about 88 A (0.4C) would surge "
        "through one cell.",
        "Low: cells 2, 4 (3.080 … 3.090 V). Level them as a bank of their own up to the high "
        "ones, 3.300 V, then join all.",
        "A resistor of 0.5 Ω in a low cell's link would limit the surge to 0.44 A (0.10 W), but "
        "levels almost nothing (0.022 Ah in 3 min), and the full surge comes when it is taken out.",
    ]


def test_cells_more_than_300_mv_apart_are_never_joined_directly() -> None:
    found = joining_problems(RULE, (3.31, 3.30, 3.30, 3.00))

    assert "above 300 mV: never join them directly, about 182 A (0.9C)" in found[0]
    assert "Low: cell 4 (3.000 V). Level it alone" in found[1]
    assert len(found) == 3


def test_a_surge_above_1c_is_refused_at_any_spread() -> None:
    clean = replace(RULE, path_ohm=0.00035)

    found = joining_problems(clean, (3.30, 3.30, 3.30, 3.18))

    assert "about 257 A (1.3C) would surge through one cell, above 1.0C" in found[0]
    assert "Low: cell 4" in found[1]
    assert len(found) == 2


def test_all_that_is_said_fits_into_the_cause_of_a_run() -> None:
    volts = [3.31] + [3.0 + n / 1000 for n in range(15)]

    assert len(" ".join(joining_problems(RULE, volts))) <= 500


@given(st.lists(st.floats(2.6, 3.6), min_size=2, max_size=16))
def test_cells_that_are_levelled_may_be_joined(volts: list[float]) -> None:
    if not joining_problems(RULE, volts):
        return
    low = low_cells(RULE, volts)

    levelled = [max(volts) if n in low else volt for n, volt in enumerate(volts, start=1)]

    assert 1 <= len(low) < len(volts)
    assert joining_problems(RULE, levelled) == []
