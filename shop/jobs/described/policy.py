"""What the gate and the shop go by."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.emptying import POLICY_EMPTY
from shop.jobs.described.said import METERS, OURS, PHYSICS, Said

POLICY: Mapping[str, Said] = {
    "capacity_spread_max": Said(
        "", "Capacities of one pack differ by at most this share.", "[A] within 2 %"
    ),
    "capacity_basis": Said(
        "",
        "What the spread is of: the group's median, or the datasheet's rating.",
        "[A] matched to each other",
        ("group", "rating"),
    ),
    "imported_capacity_allowed": Said(
        "", "Whether a capacity from another tester's file counts.", OURS
    ),
    "capacity_low_share": Said("of the rating", "A capacity below this was mistyped.", OURS),
    "capacity_high_share": Said("of the rating", "A capacity above this was mistyped.", OURS),
    "capacity_age_max_s": Said("s", "A capacity test older than this does not count.", OURS),
    "pass_below_v": Said(
        "V",
        "After the links are off a cell passes down to this far below the target.",
        "[A] 3.62 for 3.65",
    ),
    "marginal_below_v": Said(
        "V",
        "Down to this far below the target a cell is marginal and recharged alone; lower it fails.",
        "[A] 3.60 for 3.65",
    ),
    "above_v": Said(
        "V", "A reading this far above the target or more is invalid, and measured again.", OURS
    ),
    "check_fresh_s": Said(
        "s",
        "The gate's pass window holds so long after current stopped, whatever the recipe allowed.",
        "[A] within 5 minutes",
    ),
    "check_late_s": Said("s", "Later than this the check is missing and not failed.", PHYSICS),
    "supply_calibrated": Said(
        "",
        "Whether the supply, whose ammeter measures the tail, needs a valid calibration too.",
        OURS,
    ),
    "fresh_s": Said(
        "s",
        "Cells go into a pack within this time after current stopped, or are measured again.",
        "[A] assemble within 4 h",
    ),
    "remind_early_s": Said(
        "s", "Supervisors are reminded of a bank so long after its clock began.", OURS
    ),
    "remind_before_s": Said(
        "s", "Supervisors are reminded again so long before it is too old.", OURS
    ),
    "full_max_s": Said("s", "Cells that stay full longer are advised down to half.", PHYSICS),
    "shelf_max_degc": Said(
        "°C", "A shelf that is warmer is warned of where cells wait on it.", "B8, cool"
    ),
    "spread_aim_v": Said(
        "V", "At the disconnect check cells should differ by no more than this.", "[A]"
    ),
    "spread_max_v": Said("V", "At the disconnect check cells may differ by at most this.", "[A]"),
    "spread_manual_max_v": Said(
        "V", "Measured with a hand-held meter they may differ by at most this.", METERS
    ),
    "recheck_early_s": Said(
        "s",
        "Up to this age the early limits hold; from here to the late age they widen evenly.",
        "[A] assemble within 4 h",
    ),
    "recheck_early_warn_v": Said(
        "V",
        "At the early age a cell this far below its group's median is warned of.",
        PHYSICS + ", modelled: healthy banks spread over 17-23 mV",
    ),
    "recheck_early_fail_v": Said(
        "V",
        "At the early age a cell this far below its group's median fails.",
        PHYSICS + ", modelled: 30 % a month is 100 mV low",
    ),
    "recheck_late_s": Said("s", "From this age on the late limits hold.", PHYSICS),
    "recheck_late_warn_v": Said(
        "V",
        "At the late age a cell this far below its group's median is warned of.",
        PHYSICS + ", modelled: healthy banks spread over 54-57 mV",
    ),
    "recheck_late_fail_v": Said(
        "V",
        "At the late age a cell this far below its group's median fails.",
        PHYSICS + ", modelled: 10 % a month is 130 mV low",
    ),
    "recheck_floor_v": Said(
        "V", "No full healthy cell rests below this: it is the rest voltage at about 92 %.", PHYSICS
    ),
    "recheck_span_max_s": Said(
        "s",
        "From the first reading to the last it may take so long: all cells at one age.",
        PHYSICS,
    ),
    **POLICY_EMPTY,
    "balancer_min_a": Said("A", "An active balancer for solar gives at least this.", "[A] 1-2 A"),
    "balancer_max_a": Said("A", "An active balancer for solar gives at most this.", "[A] 1-2 A"),
    "hold_max_s": Said("s", "A bank that is done is held so long while nobody is there.", OURS),
    "presence_s": Said(
        "s",
        "Somebody at an attended run says at least so often that they are there, or the output "
        "goes off.",
        "our choice: at 0.2C half an hour moves a tenth of the charge",
    ),
    "presence_warn_s": Said("s", "So long before that they are warned.", OURS),
    "cutoff_proven_s": Said(
        "s", "Unattended only where an output was proven off within this time.", "F4, 24 h"
    ),
    "alert_checked_s": Said(
        "s", "Unattended only where a test alert was confirmed within this time.", "F4, 24 h"
    ),
    "unattended_ovp_above_v": Said(
        "V",
        "Unattended only where the supply's over-voltage protection lies at most so far above the "
        "target.",
        "F4, 100 mV",
    ),
    "cells_per_probe_max": Said(
        "cells", "Unattended only where a temperature probe lies on one cell of so many.", OURS
    ),
    "commissioning_valid_s": Said(
        "s", "A bench that was commissioned longer ago runs attended only.", OURS
    ),
    "care_recovered_v": Said(
        "V", "A pack whose cells lie within this at the top of charge is well.", "[A] under 30 mV"
    ),
    "care_repeat_v": Said(
        "V",
        "Up to this a pack is watched; above, it is held at full voltage, again if need be.",
        "[A] above 50 mV, run another hold",
    ),
    "care_mild_v": Said(
        "V",
        "Above this one extended hold is tried; if it leaves as much, the pack is taken apart.",
        "[A] mild, under 100 mV",
    ),
    "care_severe_v": Said("V", "Above this a pack is taken apart.", "[A] severe, over 200 mV"),
    "care_certain_v": Said(
        "V",
        "Above this it is said that taking the pack apart is faster than any hold.",
        "[A] certain above 300 mV",
    ),
    "care_hold_min_s": Said("s", "A hold at full voltage is at least so long.", "[A] 4 to 6 h"),
    "care_hold_max_s": Said("s", "An extended hold is longer than this.", "[A] 4 to 6 h"),
    "care_long_months": Said(
        "months",
        "A spread that grew for so long announces cells that must be replaced.",
        "[A] developing for 12 months",
    ),
    "care_watch_s": Said("s", "A pack that is watched is read again after this.", OURS),
    "claim_lapses_s": Said("s", "A claim that nobody starts lapses after this.", OURS),
    "service_active_s": Said(
        "s",
        "With an active balancer the cells of a pack in use are read again after this.",
        "[A] 20-40 mV after 18 months; the earlier year is our choice",
    ),
    "service_passive_s": Said(
        "s",
        "With a passive balancer they are read again after this.",
        "[A] 80-150 mV after 6 months",
    ),
    "service_often_share": Said(
        "of that time",
        "A pack of high C-rate, or emptied often, is read again after this share of it.",
        OURS,
    ),
    "nut_handlings_max": Said(
        "times",
        "A cell whose nuts were turned more often is warned of.",
        "an estimate: nobody counted what a post bears",
    ),
    "bench_lost_s": Said(
        "s",
        "A run whose bench was not heard of for so long may be given up by a supervisor.",
        "our choice: twice what a bench may go on by itself",
    ),
    "request_keys_s": Said(
        "s", "A request that is sent again under its key is known for so long.", OURS
    ),
}
