"""The plan of a parallel top balance (B1, B2, B4, B13) and its dry run."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import rfc8785

from stations.plain import from_plain, to_plain
from stations.procedures import top_balance
from stations.procedures.check import problems
from stations.procedures.handling import torqued
from stations.procedures.steps import Charge, PlanRefused, Program
from stations.values import Ratings
from tests.stations.procedures.scripted import METER, RATINGS, SCANNER, SUPPLY, program, spec


def test_four_cells_of_200_ah_on_an_rd6018_take_80_per_cent_of_its_rating() -> None:
    facts = dict(program().facts)

    assert facts["current_a"] == 14.4
    assert facts["tail_done_bank_a"] == pytest.approx(1.0)
    assert facts["tail_partial_bank_a"] == pytest.approx(2.0)
    assert facts["tail_done_cell_a"] == pytest.approx(0.25)
    assert facts["tail_partial_cell_a"] == pytest.approx(0.5)


def test_a_supervisor_may_allow_the_full_rating() -> None:
    assert spec(full_rating_allowed=True).current_a == 18.0


def test_current_is_capped_at_a_fifth_of_a_small_bank() -> None:
    assert spec(cells=2, capacity_ah=20.0).current_a == 8.0


def test_a_small_tail_is_capped_by_the_cc_limit() -> None:
    weak = replace(SUPPLY, current_max_a=1.0)

    assert spec(supply=weak).tail_a("bank") == pytest.approx((0.16, 0.32))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target_v": 3.70}, "outside 3.50"),
        ({"target_v": 3.45}, "outside 3.50"),
        ({"target_v": 3.60, "bms_run_v": 3.62}, "Choose a higher target"),
        ({"cells": 1}, "at least 2 cells"),
        ({"tail_basis": "pack"}, "'bank' or 'cell'"),
        ({"capacity_ah": 5.0, "tail_basis": "cell"}, "resolves"),
        ({"cells": 64, "tail_basis": "cell"}, "leak"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_with_its_reason(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(PlanRefused, match=words):
        program(**changes)


def test_the_dry_run_of_a_good_plan_is_empty() -> None:
    assert problems(program(), RATINGS) == []


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        (Ratings(replace(SUPPLY, voltage_max_v=3.6), METER, SCANNER), "beyond RD6018"),
        (Ratings(replace(SUPPLY, current_max_a=10.0), METER, SCANNER), "lower the current"),
        (Ratings(replace(SUPPLY, power_max_w=40.0), METER, SCANNER), "53 W"),
        (Ratings(replace(SUPPLY, current_resolution_a=0.6), METER, SCANNER), "resolves"),
        (Ratings(replace(SUPPLY, has_protection=False), METER, SCANNER), "no OVP and OCP"),
        (Ratings(SUPPLY, METER, None), "no scanner"),
        (Ratings(SUPPLY, METER, replace(SCANNER, channels=3)), "3 cells"),
    ],
)
def test_the_dry_run_names_what_the_bench_cannot_do(ratings: Ratings, words: str) -> None:
    assert any(words in problem for problem in problems(program(), ratings))


def test_protection_and_limits_stand_in_their_order() -> None:
    made = program()
    for step in made.steps:
        if isinstance(step, Charge):
            assert step.setpoint.voltage_v < made.limits.bank_voltage_max_v < step.protection.ovp_v
            assert step.protection.ovp_v <= made.target_v + 0.1 + 1e-9
            assert step.setpoint.current_a < step.protection.ocp_a


def test_a_program_survives_json_and_back() -> None:
    made = program()

    assert from_plain(Program, to_plain(made)) == made


def test_what_came_later_changes_no_programs_hash() -> None:
    """Runs are held to the hash of their stored program; version 2 had this one before loads.

    It asked nobody for torque.
    """
    today = program()
    then = replace(today, version="2", limits=replace(today.limits, cold_current_max_a=0.0))
    plain = rfc8785.dumps(to_plain(then))
    for later in (f" {torqued(None)}", "nuts torqued, "):
        plain = plain.replace(later.encode(), b"")

    assert hashlib.sha256(plain).hexdigest() == (
        "40b8acd0dad29ca9b5eb57728f37778e611ef542bd287eec0d6f92e0e91c448e"
    )


def test_a_recipe_with_a_wrong_key_is_named() -> None:
    with pytest.raises(ValueError, match="unknown key 'target'"):
        from_plain(top_balance.Recipe, {"target": 3.6})
