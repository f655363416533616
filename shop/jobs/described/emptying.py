"""What a bottom balance goes by (B9), and by what emptied cells are judged."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.charging import COMMON
from shop.jobs.described.said import METERS, OURS, PHYSICS, Said

ARTICLE = "[A] 0.2C to 2.50 V, 30 min of rest, all within 10 mV"
MODEL = PHYSICS + ", modelled"

BOTTOM_BALANCE: Mapping[str, Said] = {
    **COMMON,
    "target_v": Said("V", "Every current ends when the meter has seen this voltage.", ARTICLE),
    "first_c": Said("C", "Each cell is emptied at this C-rate first.", ARTICLE),
    "second_c": Said("C", "Then at this one, to the same voltage.", MODEL),
    "third_c": Said(
        "C",
        "And at this one: what is left in cell and cell then differs by millivolts.",
        MODEL + ": 4 mV after 0.01C, 30 mV after 0.05C, 40 mV after 0.2C",
    ),
    "tapers": Said(
        "",
        "No: one step at the first C-rate alone, judged by its own wide window.",
        "[A] knows the one step only",
    ),
    "finish": Said(
        "",
        "What follows the first current: two smaller ones, or the load holds the voltage (CV).",
        "[A] says where it ends, not how; " + MODEL + ": 4 mV apart by steps, 7 mV by cv",
        ("steps", "cv"),
    ),
    "hold_end_c": Said(
        "C",
        "By cv: the hold is done when the cell gives no more than this.",
        MODEL + ": a rest at 2.57 V, within 7 mV",
    ),
    "hold_above_v": Said(
        "V",
        "By cv: the load holds so far above the voltage, for it may read high; a meter that sees "
        "less than the voltage itself ends the run.",
        METERS + ": 5 mV in the 18 V range of a load",
    ),
    "taper_max_s": Said(
        "s", "Each current after the first gives up after so long, a hold too.", OURS
    ),
    "rest_s": Said("s", "Each cell rests so long before its voltage is taken.", ARTICLE),
    "rest_late_s": Said(
        "s",
        "A rest that an interruption made longer than this shows another voltage, and is missing.",
        MODEL + ": 2 mV more at 35 min, 5 mV at 45",
    ),
    "spread_max_v": Said("V", "Rested cells lie within this of each other.", ARTICLE),
    "mean_low_v": Said("V", "On average they rest no lower.", "the makers' end of discharge"),
    "mean_high_v": Said("V", "On average they rest no higher.", MODEL + ": 2.55 V"),
    "single_spread_max_v": Said(
        "V", "After the one step cells lie within this of each other.", MODEL + ": 40 mV"
    ),
    "single_mean_low_v": Said(
        "V", "After the one step they rest no lower on average.", MODEL + ": 2.80 V"
    ),
    "single_mean_high_v": Said(
        "V", "After the one step they rest no higher on average.", MODEL + ": 2.80 V"
    ),
    "start_low_v": Said(
        "V",
        "A cell that rests below this is nearly empty already, and is charged a little first.",
        MODEL + ": from 7 % or more cells end within 7 mV, from 3 % 30 mV higher",
    ),
    "empty_max_s": Said(
        "s",
        "Where the first cell would wait longer for the last one the plan warns.",
        MODEL + ": healthy cells leak below 2.50 V in two days",
    ),
    "cutoff_samples": Said("readings", "So many readings in a row must be at the cut-off.", OURS),
    "stop_below_v": Said(
        "V",
        "So far below the cut-off the output goes off at once: nothing is harmed before 2.0 V.",
        PHYSICS,
    ),
    "load_lead_max_ohm": Said(
        "ohm",
        "Leads of the load beyond this are in doubt; they are heavier, for they carry more.",
        METERS,
    ),
}

RECHECK_EMPTY: Mapping[str, Said] = {
    "empty_early_warn_v": Said(
        "V",
        "At the early age an emptied cell this far from its group's median is warned of.",
        MODEL + ": healthy cells within 7 mV, 20 mV where their ages are hours apart",
    ),
    "empty_early_fail_v": Said(
        "V",
        "At the early age an emptied cell this far from its group's median fails.",
        MODEL + ": 30 % a month is 76 mV low",
    ),
    "empty_late_warn_v": Said(
        "V",
        "At the late age an emptied cell this far from its group's median is warned of.",
        MODEL + ": healthy cells within 31 mV",
    ),
    "empty_late_fail_v": Said(
        "V",
        "At the late age an emptied cell this far from its group's median fails.",
        MODEL + ": 10 % a month is 200 mV low",
    ),
    "empty_floor_v": Said(
        "V", "No emptied cell may rest below this: charge it.", "the makers' end of discharge"
    ),
    "single_more_v": Said(
        "V", "After the one step these limits are so much wider.", "half of what one step leaves"
    ),
    "taper_c_max": Said(
        "C",
        "A balance that ended at a larger current was one step.",
        MODEL + ": 0.01C against 0.2C",
    ),
}

POLICY_EMPTY: Mapping[str, Said] = {
    "bottom_low_v": Said(
        "V", "After a taper and its rest no cell stands lower.", "the makers' end of discharge"
    ),
    "bottom_high_v": Said("V", "After a taper and its rest no cell stands higher.", MODEL),
    "bottom_spread_max_v": Said(
        "V", "Emptied cells of one pack lie within this of each other.", ARTICLE
    ),
    "bottom_single_low_v": Said("V", "After the one step no cell stands lower.", MODEL),
    "bottom_single_high_v": Said("V", "After the one step no cell stands higher.", MODEL),
    "bottom_single_spread_max_v": Said(
        "V", "After the one step the cells of one pack lie within this.", MODEL + ": 40 mV"
    ),
    "bottom_taper_c_max": RECHECK_EMPTY["taper_c_max"],
    "bottom_rest_min_s": Said(
        "s", "An emptied cell is read no sooner after its current stopped.", ARTICLE
    ),
    "bottom_rest_max_s": Said(
        "s", "An emptied cell is read no later, for its voltage goes on rising.", MODEL
    ),
    "bottom_recheck_early_warn_v": RECHECK_EMPTY["empty_early_warn_v"],
    "bottom_recheck_early_fail_v": RECHECK_EMPTY["empty_early_fail_v"],
    "bottom_recheck_late_warn_v": RECHECK_EMPTY["empty_late_warn_v"],
    "bottom_recheck_late_fail_v": RECHECK_EMPTY["empty_late_fail_v"],
    "bottom_recheck_floor_v": RECHECK_EMPTY["empty_floor_v"],
    "empty_max_s": Said(
        "s",
        "Cells that stay empty longer are to be charged: they leak below their own limit.",
        MODEL + ": healthy cells are there after two days",
    ),
}
