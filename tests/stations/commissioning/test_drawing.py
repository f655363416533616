"""What a check draws: by the load's rating, the linked cells and a capacity test's rate (B16)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from stations.commissioning.drawing import draw_plan
from stations.commissioning.figures import CannotCommission
from stations.commissioning.procedure import limits
from stations.guardian.session import draw_problem, limits_problem
from stations.procedures.capacity_test import Recipe
from tests.stations.commissioning.made import LOAD, PLAN


@pytest.mark.parametrize(
    ("bank_ah", "large_a"),
    [(800.0, 120.0), (100.0, 50.0), (10_000.0, 120.0)],
)
def test_the_larger_draw_is_half_of_the_rating_and_no_more_than_a_capacity_test_draws(
    bank_ah: float, large_a: float
) -> None:
    draws = draw_plan(LOAD, bank_ah=bank_ah)

    assert draws.large.current_a == pytest.approx(large_a)
    assert draws.large.current_a <= Recipe().discharge_c * bank_ah


def test_a_tenfold_mistake_at_the_small_draw_is_no_more_than_the_larger_one() -> None:
    draws = draw_plan(LOAD, bank_ah=800.0)

    assert 10 * draws.small.current_a <= draws.large.current_a


def test_a_load_of_little_power_draws_less() -> None:
    weak = replace(LOAD, power_max_w=100.0)

    draws = draw_plan(weak, bank_ah=800.0)

    assert draws.large.current_a * PLAN.target_v <= weak.power_max_w / 2


@pytest.mark.parametrize("bank_ah", [0.0, -5.0, math.nan, math.inf, 3.0])
def test_what_is_no_bank_for_a_load_is_refused_with_what_to_do(bank_ah: float) -> None:
    with pytest.raises(CannotCommission, match=r"type what|link more cells"):
        draw_plan(LOAD, bank_ah=bank_ah)


@pytest.mark.parametrize("hurry", [1.0, 1000.0])
def test_the_guardian_takes_both_draws_and_no_larger_one(hurry: float) -> None:
    draws = draw_plan(LOAD, bank_ah=800.0, hurry=hurry)
    allowed = draws.within(limits(PLAN, hurry=hurry))

    assert limits_problem(allowed) == ""
    assert draw_problem(allowed, draws.small) == draw_problem(allowed, draws.large) == ""
    assert draw_problem(allowed, replace(draws.large, current_a=132.0))
    assert draws.large.cutoff.duration_s <= LOAD.duration_max_s


def test_with_a_load_the_bank_is_never_led_below_a_capacity_test_s_floor() -> None:
    allowed = draw_plan(LOAD, bank_ah=800.0).within(limits(PLAN))

    floor_v = Recipe().cutoff_v - Recipe().stop_below_v
    assert allowed.bank_voltage_min_v == allowed.cell_voltage_min_v == pytest.approx(floor_v)
