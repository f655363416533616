"""What each figure of a commissioning must show, and what is said where it does not (B5, B6)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from stations.commissioning.figures import CannotCommission, Figures, Plateau, idle_setpoint, plan
from stations.commissioning.judge import FAIL, MISSING, PASS, findings, panel_agrees, passed
from stations.values import Setpoint
from tests.stations.commissioning.made import BY, GOOD, PLAN, SUPPLY, good, plateau_at


def at_large(**changes: Any) -> Plateau:
    return replace(plateau_at(PLAN.large_a), **changes)


def at_small(**changes: Any) -> Plateau:
    return replace(plateau_at(PLAN.small_a), **changes)


def at_none(**changes: Any) -> Plateau:
    return replace(plateau_at(0.0), **changes)


def test_a_good_bench_passes_every_question() -> None:
    found = findings(GOOD, BY)

    assert {finding.verdict for finding in found} == {PASS}
    assert passed(found)
    assert not any(finding.fix for finding in found)


@pytest.mark.parametrize(
    ("figures", "check", "fix"),
    [
        (good(off_a=0.15), "ammeter zero", "adjusted"),
        (good(off_again_a=-0.15), "ammeter zero", "adjusted"),
        (good(off_a=math.nan), "ammeter zero", "adjusted"),
        (good(nothing=at_none(supply_v=3.36)), "voltage offset", "calibrated"),
        (good(nothing=at_none(supply_v=0.33)), "voltage offset", "factor of ten"),
        (good(nothing=at_none(current_a=0.5)), "voltage offset", "something else"),
        (good(nothing=at_none(cells_v=(3.30, 3.27))), "scanner", "cell 2"),
        (good(nothing=at_none(cells_v=(math.nan, 3.30))), "scanner", "cell 1"),
        (good(small=at_small(current_a=1.7)), "small current", "shares the leads"),
        (good(small=at_small(current_a=0.18)), "small current", "another model"),
        (good(small=at_small(regulation="CV")), "small current", "draw the bank down"),
        (good(large=at_large(current_a=8.7)), "large current", "shares the leads"),
        (good(panel_a=18.0), "supply's display", "factor of ten"),
        (good(panel_a=0.18), "supply's display", "factor of ten"),
        (good(panel_a=1.5), "supply's display", "do not use"),
        (good(large=plateau_at(9.0, lead_ohm=0.041)), "leads", "thicker"),
        (good(large=plateau_at(9.0, lead_ohm=0.5)), "leads", "scale"),
        (good(large=plateau_at(9.0, lead_ohm=-0.01)), "leads", "meter is not where"),
        (good(nothing=at_none(supply_v=3.35)), "drop follows current", "clean and tighten"),
    ],
)
def test_a_figure_that_is_off_is_named_with_what_to_do(
    figures: Figures, check: str, fix: str
) -> None:
    found = {finding.check: finding for finding in findings(figures, BY)}

    assert found[check].verdict == FAIL
    assert fix in found[check].fix
    assert not passed(tuple(found.values()))


def test_what_was_not_come_to_is_missing_and_does_not_pass() -> None:
    found = findings(Figures(target_v=3.65, off_a=0.0, off_again_a=0.0), BY)

    assert [finding.verdict for finding in found] == [PASS, *[MISSING] * 7]
    assert not passed(found)


def test_lead_resistance_has_no_offset_in_it_and_the_zero_is_the_worse_of_two() -> None:
    figures = good(off_a=0.02, off_again_a=-0.05)

    assert figures.lead_ohm == pytest.approx(0.005)
    assert figures.offset_v == pytest.approx(0.004)
    assert figures.zero_a == -0.05


def test_an_ammeter_zero_is_taken_out_of_the_current_that_is_read() -> None:
    shifted = {"current_a": PLAN.small_a + 0.09}

    without = {f.check: f for f in findings(good(small=at_small(**shifted)), BY)}
    known = {f.check: f for f in findings(good(off_a=0.09, small=at_small(**shifted)), BY)}

    assert without["small current"].verdict == FAIL
    assert known["small current"].verdict == PASS


@pytest.mark.parametrize(("amps", "agrees"), [(1.8, True), (18.0, False), (math.nan, False)])
def test_a_larger_current_wants_a_display_that_agrees(amps: float, agrees: bool) -> None:
    assert panel_agrees(good(panel_a=amps), BY) is agrees


def test_the_small_current_stays_within_the_rating_even_tenfold() -> None:
    assert 10 * PLAN.small_a <= SUPPLY.current_max_a
    assert (PLAN.small_a, PLAN.large_a) == (1.8, 9.0)
    assert PLAN.protection.ovp_v == pytest.approx(3.75)
    assert PLAN.protection.ocp_a < SUPPLY.current_max_a


@pytest.mark.parametrize(
    ("target_v", "large_a", "words"),
    [
        (3.70, None, "target 3.7 V"),
        (math.nan, None, "target nan V"),
        (3.65, 2.0, "3.6 … 14.4 A"),
        (3.65, 15.0, "3.6 … 14.4 A"),
    ],
)
def test_a_plan_beyond_target_or_rating_is_refused(
    target_v: float, large_a: float | None, words: str
) -> None:
    with pytest.raises(CannotCommission, match=words):
        plan(SUPPLY, target_v=target_v, large_a=large_a)


def test_a_supply_without_protection_is_refused() -> None:
    with pytest.raises(CannotCommission, match="use another supply"):
        plan(replace(SUPPLY, has_protection=False), target_v=3.65)


def test_nothing_flows_from_an_output_below_the_bank() -> None:
    assert idle_setpoint(SUPPLY, PLAN, 3.3061) == Setpoint(3.20, PLAN.small_a)


@pytest.mark.parametrize("rest_v", [-3.3, 0.0, 2.4, 3.56, math.nan])
def test_what_is_no_bank_below_the_target_is_refused(rest_v: float) -> None:
    with pytest.raises(CannotCommission, match="check polarity"):
        idle_setpoint(SUPPLY, PLAN, rest_v)
