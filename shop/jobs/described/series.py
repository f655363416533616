"""What a series pre-charge behind a BMS goes by (B10)."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.charging import COMMON, TOP_BALANCE, WARMTH
from shop.jobs.described.said import METERS, OURS, PHYSICS, Said

PARALLEL = {
    name: TOP_BALANCE[name]
    for name in (
        "target_min_v",
        "parallel_spread_max_v",
        "parallel_level_max_v",
        "parallel_peak_warn_c",
        "parallel_peak_max_c",
        "link_ohm",
    )
}

SERIES_PRECHARGE: Mapping[str, Said] = {
    **COMMON,
    **WARMTH,
    **PARALLEL,
    "target_v": Said(
        "V",
        "The first cell that reaches it ends the charge; the BMS must be set to it, and the "
        "string's voltage is so many times it as there are cells.",
        "[B] 3.2 and 3.4",
    ),
    "cell_c_max": Said("C", "The set current is at most this C-rate of one cell.", "[B] 3.3"),
    "bms_setting_within_v": Said(
        "V", "The cell over-voltage of the BMS may differ from the target by this.", METERS
    ),
    "near_v": Said(
        "V",
        "A BMS that opened with its highest cell further below the target opened early.",
        "JBD boards are off by 5 to 10 mV; " + PHYSICS,
    ),
    "tail_c": Said(
        "C", "A string at its voltage that takes less is as full as it gets in series.", PHYSICS
    ),
    "proven_share": Said("of the set current", "Less than this is no current.", METERS),
    "gone_s": Said("s", "So long no current flows before the BMS is taken to be open.", OURS),
    "cell_stop_above_v": Said(
        "V", "A cell so far above the target switches the output off at once.", OURS
    ),
    "string_stop_above_v": Said(
        "V", "The string so far above, for each of its cells, does the same.", OURS
    ),
    "ovp_above_v": Said(
        "V",
        "The supply's own over-voltage protection lies so far above its set-point, for each cell.",
        OURS,
    ),
    "meter_agree_v": Said(
        "V",
        "For each cell, the string's meter and the sum of its cells may differ by this.",
        "JBD boards are off by 5 to 10 mV",
    ),
    "link_ohm_max": Said("ohm", "A link of the string beyond this is in doubt.", METERS),
    "lead_max_ohm": Said("ohm", "Leads and BMS beyond this are in doubt.", METERS),
    "parallel_rest_h": Said(
        "h",
        "So long the cells first rest in parallel to come to one charge; 0 where they do not.",
        '[B] section 3, note 1: "put them in parallel overnight"',
    ),
}

UNSEEN_PRECHARGE: Mapping[str, Said] = {
    **{name: said for name, said in SERIES_PRECHARGE.items() if name not in (*PARALLEL, "near_v")},
    "target_min_v": SERIES_PRECHARGE["target_min_v"],
    "target_v": Said(
        "V",
        "The BMS must be set to it, and the string's voltage is so many times it as there are "
        "cells; no cell is seen.",
        "[B] 3.2 and 3.4",
    ),
    "presence_s": Said(
        "s",
        "Somebody says at least so often that they are there, for nobody sees the cells; where "
        "the policy says sooner, that holds.",
        OURS,
    ),
    "run_up_v": Said(
        "V",
        "A string that bends upwards by this when current stops was lifted by a full cell, and "
        "its BMS opened; below it a lead may be off.",
        PHYSICS,
    ),
    "run_up_share": Said(
        "of the charge", "Over so much of it, and as much before, the bend is measured.", PHYSICS
    ),
    "knee_v": Said(
        "V", "A string above it, for each cell, has left its plateau: its BMS may open.", PHYSICS
    ),
    "hold_h": Said("h", "A string that stands so long at its voltage is done.", OURS),
}
