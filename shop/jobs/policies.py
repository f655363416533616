"""What the gate and the shop ask for: the policy's defaults, with their sources.

Sources: [A] "Top Balancing vs Bottom Balancing", [B] "Top Balancing LiFePo4 Cells using a low
cost 10A benchtop power supply"; the rest is physics of the cell, said beside the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shop.jobs.described.policy import POLICY
from shop.jobs.parameters import Parameters, read
from stations.values import Window


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
    shelf_max_degc: float = 25.0  # until assembly cool: warm cells that stay full age faster
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
    # G4, B9: an emptied cell after 30 min of rest ([A]): by the taper at 2.55 V in the cell model,
    # by one 0.2C step at 2.80 V.  [A] says 10 mV at 2.50 V; a plain step scatters by 40 mV.
    bottom_low_v: float = 2.50
    bottom_high_v: float = 2.65
    bottom_spread_max_v: float = 0.010
    bottom_single_low_v: float = 2.70
    bottom_single_high_v: float = 2.95
    bottom_single_spread_max_v: float = 0.060
    bottom_taper_c_max: float = 0.02  # 0.01C leaves 4 mV, 0.05C leaves 28 mV
    # The same age for each: 5 mV lie between 30 and 45 min of rest.
    bottom_rest_min_s: float = 1740.0
    bottom_rest_max_s: float = 2160.0
    # B9 after hours: the leak of an empty cell is 30 mV for 0.1 % of charge, so both ways count.
    # Healthy cells of the model: within 7 mV after 4 h and 29 mV after 24 h, up to 20 mV more where
    # their ages are hours apart; 30 % a month shows after 4 h, 10 % after 24 h.
    bottom_recheck_early_warn_v: float = 0.015
    bottom_recheck_early_fail_v: float = 0.030
    bottom_recheck_late_warn_v: float = 0.030
    bottom_recheck_late_fail_v: float = 0.060
    bottom_recheck_floor_v: float = 2.50  # never below the makers' limit
    # After two days a healthy cell rests below 2.50 V by its leak: charge it before.
    empty_max_s: float = 24 * 3600.0
    # G8: [A] active balancers of 1-2 A suit solar.
    balancer_min_a: float = 1.0
    balancer_max_a: float = 2.0
    # B19: supervised CV hold while nobody is there.
    hold_max_s: float = 4 * 3600.0
    # F4: while an output is on somebody says so often that they are there.  No document gives a
    # figure: at 0.2C half an hour moves a tenth of the charge, and limits act on every sample.
    presence_s: float = 1800.0
    presence_warn_s: float = 300.0
    # F4: unattended only where off was proven, and an alert arrived, within a day.
    cutoff_proven_s: float = 24 * 3600.0
    alert_checked_s: float = 24 * 3600.0
    unattended_ovp_above_v: float = 0.100  # OVP at most target + 100 mV, read back
    # F4 asks for live temperature, and no document says for how many cells one probe will do: on
    # every fourth in a row, none is further than two from one.
    cells_per_probe_max: int = 4
    # F4: a bench that was commissioned longer ago than this runs attended only.
    commissioning_valid_s: float = 182 * 24 * 3600.0
    # B14, B15: volts between highest and lowest cell of a pack at the top of charge [A].
    care_recovered_v: float = 0.030
    care_repeat_v: float = 0.050
    care_mild_v: float = 0.100
    care_severe_v: float = 0.200
    care_certain_v: float = 0.300  # above it taking apart is faster than any hold in series
    care_watch_s: float = 30 * 24 * 3600.0
    care_hold_min_s: float = 4 * 3600.0  # a hold is of 4 to 6 h ...
    care_hold_max_s: float = 6 * 3600.0  # ... and an extended one longer
    care_long_months: int = 12  # drifting for so long, some cells have lost capacity for good
    # F2: a claim that nobody starts lapses.
    claim_lapses_s: float = 12 * 3600.0
    # M4: a pack in use is read again; [A] 6 months with a passive balancer leave 80-150 mV, 18
    # with an active one 20-40 mV.
    service_active_s: float = 365 * 24 * 3600.0
    service_passive_s: float = 182 * 24 * 3600.0
    service_often_share: float = 0.5
    # F7: [B] "putting the studs in once and never taking them out again"; how many nuts a post
    # bears nobody counted: an estimate of four jobs and two assemblies.
    nut_handlings_max: int = 12
    # A bench that was not heard of for so long may be given up: twice what it may go on by itself.
    bench_lost_s: float = 2 * 3600.0
    # A request that is sent again under its key is known for so long.
    request_keys_s: float = 24 * 3600.0


# Inclusive bounds; a number outside was mistyped.
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
    "shelf_max_degc": Window(5.0, 45.0),
    "spread_aim_v": Window(0.001, 0.050),
    "spread_max_v": Window(0.001, 0.050),
    "spread_manual_max_v": Window(0.001, 0.050),
    "recheck_early_s": Window(600.0, 24 * 3600.0),
    "recheck_early_warn_v": Window(0.005, 0.200),
    "recheck_early_fail_v": Window(0.005, 0.200),
    "recheck_late_s": Window(3600.0, 14 * 24 * 3600.0),
    "recheck_late_warn_v": Window(0.005, 0.200),
    "recheck_late_fail_v": Window(0.005, 0.200),
    "recheck_floor_v": Window(3.30, 3.45),
    "recheck_span_max_s": Window(60.0, 4 * 3600.0),
    "bottom_low_v": Window(2.50, 2.80),
    "bottom_high_v": Window(2.55, 2.80),
    "bottom_spread_max_v": Window(0.002, 0.050),
    "bottom_single_low_v": Window(2.50, 2.90),
    "bottom_single_high_v": Window(2.75, 3.05),
    "bottom_single_spread_max_v": Window(0.010, 0.100),
    "bottom_taper_c_max": Window(0.005, 0.04),
    "bottom_rest_min_s": Window(1.0, 4 * 3600.0),
    "bottom_rest_max_s": Window(60.0, 5 * 3600.0),
    "bottom_recheck_early_warn_v": Window(0.005, 0.100),
    "bottom_recheck_early_fail_v": Window(0.005, 0.150),
    "bottom_recheck_late_warn_v": Window(0.005, 0.150),
    "bottom_recheck_late_fail_v": Window(0.005, 0.200),
    "bottom_recheck_floor_v": Window(2.00, 2.80),
    "empty_max_s": Window(3600.0, 7 * 24 * 3600.0),
    "balancer_min_a": Window(0.05, 20.0),
    "balancer_max_a": Window(0.05, 20.0),
    "hold_max_s": Window(0.0, 4 * 3600.0),  # B19
    "presence_s": Window(60.0, 2 * 3600.0),
    "presence_warn_s": Window(10.0, 3600.0),
    "cutoff_proven_s": Window(3600.0, 24 * 3600.0),
    "alert_checked_s": Window(3600.0, 24 * 3600.0),
    "unattended_ovp_above_v": Window(0.010, 0.100),  # F4, and what a guardian bears
    "cells_per_probe_max": Window(1, 16),
    "commissioning_valid_s": Window(3600.0, 2 * 365 * 24 * 3600.0),
    "care_recovered_v": Window(0.005, 0.100),
    "care_repeat_v": Window(0.010, 0.200),
    "care_mild_v": Window(0.020, 0.300),
    "care_severe_v": Window(0.050, 0.500),
    "care_certain_v": Window(0.100, 1.000),
    "care_hold_min_s": Window(600.0, 24 * 3600.0),
    "care_hold_max_s": Window(600.0, 48 * 3600.0),
    "care_long_months": Window(1, 120),
    "care_watch_s": Window(24 * 3600.0, 365 * 24 * 3600.0),
    "claim_lapses_s": Window(60.0, 7 * 24 * 3600.0),
    "service_active_s": Window(24 * 3600.0, 3 * 365 * 24 * 3600.0),
    "service_passive_s": Window(24 * 3600.0, 2 * 365 * 24 * 3600.0),
    "service_often_share": Window(0.1, 1.0),
    "nut_handlings_max": Window(1, 200),
    "bench_lost_s": Window(3600.0, 7 * 24 * 3600.0),  # F4: so long a bench goes on by itself
    "request_keys_s": Window(600.0, 30 * 24 * 3600.0),
}
POLICY_ORDERED = (
    ("presence_warn_s", "presence_s"),
    ("pass_below_v", "marginal_below_v"),
    ("check_fresh_s", "check_late_s"),
    ("spread_aim_v", "spread_max_v"),
    ("recheck_early_warn_v", "recheck_early_fail_v"),
    ("recheck_late_warn_v", "recheck_late_fail_v"),
    ("recheck_early_s", "recheck_late_s"),
    ("balancer_min_a", "balancer_max_a"),
    ("bottom_low_v", "bottom_high_v"),
    ("bottom_single_low_v", "bottom_single_high_v"),
    ("bottom_rest_min_s", "bottom_rest_max_s"),
    ("bottom_recheck_early_warn_v", "bottom_recheck_early_fail_v"),
    ("bottom_recheck_late_warn_v", "bottom_recheck_late_fail_v"),
    ("care_recovered_v", "care_repeat_v"),
    ("care_repeat_v", "care_mild_v"),
    ("care_mild_v", "care_severe_v"),
    ("care_hold_min_s", "care_hold_max_s"),
)


def policy_of(parameters: Parameters) -> Policy:
    """The policy that stored parameters name; raises Refusal naming every key that does not fit."""
    return read(Policy, parameters, POLICY_BOUNDS, POLICY_ORDERED, POLICY)


def policy_defaults() -> dict[str, Any]:
    """Every parameter of a policy at its default, ready to be stored as a version."""
    return asdict(Policy())
