"""Defaults of recipes and policies, with their sources; a version may change any by name.

Recipe numbers live with the procedure that uses them (`top_balance.Recipe` and its siblings in
`stations.procedures`); here is how stored parameters become one, and what a policy asks of
evidence.  Sources: [A] "Top Balancing vs Bottom Balancing", [B] "Top Balancing LiFePo4 Cells
using a low cost 10A benchtop power supply"; the rest is physics of the cell, said beside the
number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from shop.refusals import Problem, Refusal
from stations.plain import from_plain
from stations.procedures import capacity_test, recheck
from stations.procedures.top_balance import Recipe
from stations.values import Window

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the gate and the shop ask for.  `_s` seconds of wall time, `_v` volts."""

    # G2: [A] cells of one pack within 2 % of each other; "rating" compares with the datasheet.
    capacity_spread_max: float = 0.02
    capacity_basis: str = "group"
    imported_capacity_allowed: bool = True
    # A capacity outside these shares of the rating, or older than this, was mistyped.
    capacity_low_share: float = 0.50
    capacity_high_share: float = 1.20
    capacity_age_max_s: float = 3 * 365 * 24 * 3600.0
    # G4, B7: the gate judges the disconnect check again by these, whatever the recipe allowed.
    pass_below_v: float = 0.030  # [A] 3.62 for 3.65
    marginal_below_v: float = 0.050  # [A] 3.60 for 3.65
    above_v: float = 0.005
    check_fresh_s: float = 300.0
    check_late_s: float = 900.0
    # G7: the supply's ammeter measures the tail, so it is an instrument like the meters; a shop
    # that trusts its zeroing in each run alone may leave it out.
    supply_calibrated: bool = True
    # G5, B8: [A] assemble within 4 h of current stopped, or measure again.
    fresh_s: float = 4 * 3600.0
    # B8: supervisors are reminded of a bank so long after its clock began, and so long before it
    # is too old; LFP that stays full for a week is advised down to half.
    remind_early_s: float = 2 * 3600.0
    remind_before_s: float = 1800.0
    full_max_s: float = 7 * 24 * 3600.0
    # G6: spread at the disconnect check, one meter; a hand-held meter resolves less.
    spread_aim_v: float = 0.005
    spread_max_v: float = 0.010
    spread_manual_max_v: float = 0.020
    # B8: against the group's median after 4 h and after 24 h, linear between; cells relax.
    recheck_early_s: float = 4 * 3600.0
    recheck_early_warn_v: float = 0.040
    recheck_early_fail_v: float = 0.080
    recheck_late_s: float = 24 * 3600.0
    recheck_late_warn_v: float = 0.060
    recheck_late_fail_v: float = 0.100
    recheck_floor_v: float = 3.34  # a full healthy cell rests above this
    recheck_span_max_s: float = 1800.0
    # G8: [A] active balancers of 1-2 A suit solar.
    balancer_min_a: float = 1.0
    balancer_max_a: float = 2.0
    # B19: supervised CV hold while nobody is there.
    hold_max_s: float = 4 * 3600.0
    # F4: a bench that was commissioned longer ago than this runs attended only.
    commissioning_valid_s: float = 182 * 24 * 3600.0
    # F2: a claim that nobody starts lapses.
    claim_lapses_s: float = 12 * 3600.0
    # A request that is sent again under its key is known for so long.
    request_keys_s: float = 24 * 3600.0


# Inclusive bounds; a number outside was mistyped.  Harm to a cell is bounded by its own
# datasheet and by the hard limits, not by these.
RECIPE_BOUNDS: Mapping[str, Window] = {
    "target_v": Window(3.50, 3.65),  # B13
    "target_min_v": Window(3.45, 3.65),
    "bms_run_v": Window(0.0, 3.80),
    "done_c": Window(0.0002, 0.05),  # up to the reviewer's 0.05C in [B], appendix A
    "partial_c": Window(0.0002, 0.05),
    "done_share": Window(0.01, 0.5),
    "partial_share": Window(0.01, 0.9),
    "bank_c_max": Window(0.001, 0.5),
    "supply_share": Window(0.05, 1.0),
    "finish_c": Window(0.001, 0.2),
    "finish_above_v": Window(3.35, 3.65),
    "at_least_below_v": Window(0.001, 0.050),
    "cv_min_s": Window(0.0, 24 * 3600.0),
    "cv_max_s": Window(600.0, 48 * 3600.0),
    "dwell_s": Window(10.0, 3600.0),
    "refresh_cv_min_s": Window(0.0, 4 * 3600.0),
    "alarm_above_v": Window(0.005, 0.050),
    "stop_above_v": Window(0.010, 0.100),
    "ovp_above_v": Window(0.020, 0.100),  # F4: at most target + 100 mV
    "meter_agree_v": Window(0.002, 0.050),
    "lead_max_ohm": Window(0.002, 0.100),
    "parallel_spread_max_v": Window(0.0, 0.30),
    "parallel_level_max_v": Window(0.0, 0.30),
    "resistor_ohm": Window(0.1, 10.0),
    "resistor_s": Window(10.0, 3600.0),
    "pass_below_v": Window(0.005, 0.100),
    "marginal_below_v": Window(0.005, 0.150),
    "above_v": Window(0.0, 0.020),
    "fresh_s": Window(30.0, 900.0),
    "late_s": Window(30.0, 1800.0),
    "wait_max_s": Window(60.0, 48 * 3600.0),
    "verify_margin_v": Window(0.005, 0.100),
    "verify_cells_v": Window(0.005, 0.150),
    "resume_gap_max_s": Window(0.0, 4 * 3600.0),
    "resume_rest_s": Window(0.0, 3600.0),
    "resume_attempts_max": Window(1, 10),
}

RECHECK_BOUNDS: Mapping[str, Window] = {
    "early_s": Window(600.0, 24 * 3600.0),
    "early_warn_v": Window(0.005, 0.200),
    "early_fail_v": Window(0.005, 0.200),
    "late_s": Window(3600.0, 14 * 24 * 3600.0),
    "late_warn_v": Window(0.005, 0.200),
    "late_fail_v": Window(0.005, 0.200),
    "floor_v": Window(3.30, 3.45),
    "span_max_s": Window(60.0, 4 * 3600.0),
    "temperature_span_k": Window(0.5, 10.0),
    "wait_max_s": Window(60.0, 48 * 3600.0),
    "resume_attempts_max": Window(1, 10),
}

CAPACITY_BOUNDS: Mapping[str, Window] = {
    "target_v": Window(3.50, 3.65),
    "charge_c": Window(0.01, 1.0),
    "supply_share": Window(0.05, 1.0),
    "done_c": Window(0.001, 0.05),
    "done_share": Window(0.01, 0.5),
    "dwell_s": Window(10.0, 3600.0),
    "cv_max_s": Window(600.0, 24 * 3600.0),
    "rest_s": Window(1.0, 24 * 3600.0),
    "discharge_c": Window(0.05, 1.0),
    "cutoff_v": Window(2.50, 3.00),
    "cutoff_samples": Window(1, 10),
    "stop_below_v": Window(0.02, 0.50),  # so never below 2.0 V, where an LFP cell is harmed
    "gap_max_s": Window(1.0, 5.0),  # B16: a longer hole is never evidence
    "empty_rest_s": Window(1.0, 3600.0),
    "full_low_v": Window(3.20, 3.45),
    "alarm_above_v": Window(0.005, 0.050),
    "stop_above_v": Window(0.010, 0.100),
    "ovp_above_v": Window(0.020, 0.100),
    "meter_agree_v": Window(0.002, 0.050),
    "lead_max_ohm": Window(0.002, 0.100),
    "load_lead_max_ohm": Window(0.001, 0.050),
    "verify_cells_v": Window(0.005, 0.150),
    "wait_max_s": Window(60.0, 48 * 3600.0),
    "resume_gap_max_s": Window(0.0, 4 * 3600.0),
    "resume_rest_s": Window(0.0, 3600.0),
    "resume_attempts_max": Window(1, 10),
}

POLICY_BOUNDS: Mapping[str, Window] = {
    "capacity_spread_max": Window(0.001, 0.10),
    "capacity_low_share": Window(0.0, 1.0),
    "capacity_high_share": Window(1.0, 2.0),
    "capacity_age_max_s": Window(24 * 3600.0, 20 * 365 * 24 * 3600.0),
    "pass_below_v": Window(0.005, 0.100),
    "marginal_below_v": Window(0.005, 0.150),
    "above_v": Window(0.0, 0.020),
    "check_fresh_s": Window(30.0, 900.0),
    "check_late_s": Window(30.0, 1800.0),
    "fresh_s": Window(60.0, 24 * 3600.0),
    "remind_early_s": Window(60.0, 24 * 3600.0),
    "remind_before_s": Window(60.0, 12 * 3600.0),
    "full_max_s": Window(3600.0, 90 * 24 * 3600.0),
    "spread_aim_v": Window(0.001, 0.050),
    "spread_max_v": Window(0.001, 0.050),
    "spread_manual_max_v": Window(0.001, 0.050),
    "recheck_floor_v": Window(3.30, 3.45),
    "recheck_span_max_s": Window(60.0, 4 * 3600.0),
    "hold_max_s": Window(0.0, 12 * 3600.0),
    "commissioning_valid_s": Window(3600.0, 2 * 365 * 24 * 3600.0),
    "claim_lapses_s": Window(60.0, 7 * 24 * 3600.0),
    "request_keys_s": Window(600.0, 30 * 24 * 3600.0),
}

# (lower, upper): the first must not exceed the second.
RECIPE_ORDERED = (
    ("done_c", "partial_c"),
    ("done_share", "partial_share"),
    ("target_min_v", "target_v"),
    ("bms_run_v", "target_v"),  # B13
    ("cv_min_s", "cv_max_s"),
    ("alarm_above_v", "stop_above_v"),
    ("stop_above_v", "ovp_above_v"),
    ("parallel_spread_max_v", "parallel_level_max_v"),
    ("pass_below_v", "marginal_below_v"),
    ("fresh_s", "late_s"),
)
RECHECK_ORDERED = (
    ("early_s", "late_s"),
    ("early_warn_v", "early_fail_v"),
    ("late_warn_v", "late_fail_v"),
)
CAPACITY_ORDERED = (
    ("alarm_above_v", "stop_above_v"),
    ("stop_above_v", "ovp_above_v"),
)
POLICY_ORDERED = (
    ("pass_below_v", "marginal_below_v"),
    ("check_fresh_s", "check_late_s"),
    ("spread_aim_v", "spread_max_v"),
    ("recheck_early_warn_v", "recheck_early_fail_v"),
    ("recheck_late_warn_v", "recheck_late_fail_v"),
    ("recheck_early_s", "recheck_late_s"),
    ("balancer_min_a", "balancer_max_a"),
)

FULL_RATING = "full_rating_allowed"  # B1: a supervisor allows the continuous rating ([B] 4.2)


def recipe_of(parameters: Mapping[str, Any]) -> Recipe:
    """The recipe that stored parameters name; what is not named takes its default.

    Raises Refusal naming every key that is unknown, mistyped or out of bounds.
    """
    named = {key: value for key, value in parameters.items() if key != FULL_RATING}
    recipe = read(Recipe, named, RECIPE_BOUNDS, RECIPE_ORDERED)
    if not isinstance(parameters.get(FULL_RATING, False), bool):
        raise Refusal([_wrong(FULL_RATING, "must be true or false")])
    return recipe


def full_rating_allowed(parameters: Mapping[str, Any]) -> bool:
    return bool(parameters.get(FULL_RATING, False))


def recheck_recipe_of(parameters: Mapping[str, Any]) -> recheck.Recipe:
    """The re-check recipe that stored parameters name; raises Refusal like `recipe_of`."""
    return read(recheck.Recipe, parameters, RECHECK_BOUNDS, RECHECK_ORDERED)


def capacity_recipe_of(parameters: Mapping[str, Any]) -> capacity_test.Recipe:
    """The capacity test's recipe that stored parameters name; raises Refusal like `recipe_of`."""
    return read(capacity_test.Recipe, parameters, CAPACITY_BOUNDS, CAPACITY_ORDERED)


def policy_of(parameters: Mapping[str, Any]) -> Policy:
    """The policy that stored parameters name; raises Refusal like `recipe_of`."""
    policy = read(Policy, parameters, POLICY_BOUNDS, POLICY_ORDERED)
    if policy.capacity_basis not in ("group", "rating"):
        raise Refusal([_wrong("capacity_basis", "must be 'group' or 'rating'")])
    return policy


def recipe_defaults() -> dict[str, Any]:
    """Every parameter of a recipe at its default, ready to be stored as a version."""
    return {**asdict(Recipe()), FULL_RATING: False}


def recheck_defaults() -> dict[str, Any]:
    """Every parameter of a re-check recipe at its default, ready to be stored as a version."""
    return asdict(recheck.Recipe())


def capacity_defaults() -> dict[str, Any]:
    """Every parameter of a capacity test's recipe at its default, ready to be stored."""
    return asdict(capacity_test.Recipe())


def policy_defaults() -> dict[str, Any]:
    """Every parameter of a policy at its default, ready to be stored as a version."""
    return asdict(Policy())


def read(
    kind: type[T],
    parameters: Mapping[str, Any],
    bounds: Mapping[str, Window],
    ordered: tuple[tuple[str, str], ...],
) -> T:
    """The value of `kind` that `parameters` name, within `bounds`; the rest takes its default.

    `ordered` are pairs of which the first must not exceed the second.  Raises Refusal naming
    every key that does not fit.
    """
    found = _key_problems(kind, parameters, bounds)
    if found:
        raise Refusal(found)
    value = from_plain(kind, parameters)
    found = [
        _wrong(low, f"must not exceed {high!r}")
        for low, high in ordered
        if not getattr(value, low) <= getattr(value, high)
    ]
    if found:
        raise Refusal(found)
    return value


def _key_problems(
    kind: Any, parameters: Mapping[str, Any], bounds: Mapping[str, Window]
) -> list[Problem]:
    types = {field.name: field.type for field in fields(kind)}
    found = []
    for key, value in parameters.items():
        if key not in types:
            found.append(_wrong(key, f"is not known; allowed are {', '.join(sorted(types))}"))
        elif types[key] == "float" and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            found.append(_wrong(key, "must be a number"))
        elif types[key] in ("str", "bool", "int") and type(value).__name__ != types[key]:
            found.append(_wrong(key, f"must be of type {types[key]}"))
        elif key in bounds and not bounds[key].contains(value):
            window = bounds[key]
            found.append(_wrong(key, f"is {value}, outside {window.low:g} … {window.high:g}"))
    return found


def _wrong(key: str, words: str) -> Problem:
    return Problem(
        "wrong_parameter", f"Parameter {key!r} {words}.", "Correct it and store the version again."
    )
