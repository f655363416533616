"""Recipes and policies: defaults by name, every wrong key named (B1-B7, G2, G5, G6)."""

from __future__ import annotations

from typing import Any

import pytest

from shop.jobs import recipes
from shop.jobs.models import PolicyVersion, RecipeVersion
from shop.jobs.policies import Policy, policy_defaults, policy_of
from shop.jobs.queries import policy_in_force
from shop.jobs.versions import store_policy, store_recipe
from shop.refusals import Refusal, RoleRefusal
from stations.procedures import step_pause
from stations.procedures.top_balance import Recipe
from tests.cast import Cast
from tests.factories import NOON


def test_defaults_are_the_sources_numbers() -> None:
    recipe, policy = (
        recipes.top_balance.recipe_of(recipes.top_balance.defaults()),
        policy_of(policy_defaults()),
    )

    assert recipe == Recipe()
    assert (recipe.target_v, recipe.done_c, recipe.partial_c) == (3.65, 0.00125, 0.0025)
    assert (recipe.pass_below_v, recipe.marginal_below_v) == (0.030, 0.050)
    assert policy == Policy()
    assert (policy.capacity_spread_max, policy.fresh_s) == (0.02, 4 * 3600.0)
    assert (policy.spread_aim_v, policy.spread_max_v) == (0.005, 0.010)


@pytest.mark.parametrize("target_v", [3.65, 3.64, 3.60, 3.50])
def test_a_target_may_be_chosen(target_v: float) -> None:
    """B13: also with a BMS that lets the cells run up to it."""
    assert (
        recipes.top_balance.recipe_of({"target_v": target_v, "bms_run_v": target_v}).target_v
        == target_v
    )


def test_a_step_and_pause_recipe_never_takes_more_than_80_percent_of_the_supply() -> None:
    assert recipes.step_pause.recipe_of(recipes.step_pause.defaults()) == step_pause.Recipe()
    for parameters in ({"supply_share": 0.81}, {"full_rating_allowed": True}):
        with pytest.raises(Refusal, match="supply_share"):
            recipes.step_pause.recipe_of(parameters)


def test_the_voltages_of_step_and_pause_rise() -> None:
    with pytest.raises(Refusal, match="'second_v' must not exceed 'target_v'"):
        recipes.step_pause.recipe_of({"second_v": 3.62})


def test_what_is_not_named_takes_its_default() -> None:
    parameters = {"target_v": 3.60, "full_rating_allowed": True}

    assert recipes.top_balance.recipe_of(parameters) == Recipe(target_v=3.60)
    assert recipes.top_balance.full_rating_allowed(parameters)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"targetv": 3.6}, "'targetv' is not known; allowed are"),
        ({"target_v": "3.6"}, "'target_v' must be a number"),
        ({"target_v": True}, "'target_v' must be a number"),
        ({"target_v": 3.8}, r"'target_v' is 3.8, outside 3.5 … 3.65"),
        ({"target_v": float("nan")}, "'target_v' is nan, outside"),
        ({"tail_basis": 1}, "'tail_basis' must be of type str"),
        ({"target_v": 3.49}, r"'target_v' is 3.49, outside 3.5 … 3.65"),
        ({"target_v": 3.6, "bms_run_v": 3.65}, "'bms_run_v' must not exceed 'target_v'"),
        ({"done_c": 0.01}, "'done_c' must not exceed 'partial_c'"),
        ({"fresh_s": 901.0}, "'fresh_s' is 901.0, outside"),
        ({"full_rating_allowed": "yes"}, "'full_rating_allowed' must be true or false"),
    ],
)
def test_every_wrong_recipe_parameter_is_named(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        recipes.top_balance.recipe_of(parameters)


def test_all_wrong_keys_are_named_at_once() -> None:
    with pytest.raises(Refusal) as caught:
        policy_of({"a": 1, "fresh_s": -1, "capacity_spread_max": None})

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"capacity_basis": "median"}, "'capacity_basis' must be"),
        ({"hold_max_s": 14401.0}, "'hold_max_s' is 14401.0, outside"),  # B19
        ({"spread_aim_v": 0.02}, "'spread_aim_v' must not exceed 'spread_max_v'"),
    ],
)
def test_every_wrong_policy_parameter_is_named(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        policy_of(parameters)


def test_a_change_is_a_new_version(cast: Cast) -> None:
    first = store_recipe(
        name="Top", parameters=recipes.top_balance.defaults(), by=cast.sade, now=NOON
    )
    second = store_recipe(
        name="Top", parameters={"target_v": 3.6}, by=cast.sade, now=NOON, reason="3.60 V BMS"
    )
    store_policy(parameters=policy_defaults(), by=cast.sade, now=NOON)
    newest = store_policy(parameters={"fresh_s": 7200.0}, by=cast.sade, now=NOON, reason="hot days")

    assert (first.version, second.version, second.recipe) == (1, 2, first.recipe)
    assert policy_in_force() == newest


def test_a_technician_stores_neither_and_a_wrong_one_is_not_stored(cast: Cast) -> None:
    with pytest.raises(RoleRefusal, match="Ask a supervisor"):
        store_recipe(name="Top", parameters={}, by=cast.tola, now=NOON)
    with pytest.raises(RoleRefusal):
        store_policy(parameters={}, by=cast.tola, now=NOON)
    with pytest.raises(Refusal):
        store_recipe(name="Top", parameters={"x": 1}, by=cast.sade, now=NOON)

    assert not RecipeVersion.objects.exists()
    assert not PolicyVersion.objects.exists()
