"""What the recovery of a pack goes by (B14)."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.said import METERS, OURS, PHYSICS, Said
from shop.jobs.described.series import SERIES_PRECHARGE

SHARED = {
    name: SERIES_PRECHARGE[name]
    for name in (
        "supply_share",
        "proven_share",
        "gone_s",
        "cell_stop_above_v",
        "string_stop_above_v",
        "ovp_above_v",
        "meter_agree_v",
        "link_ohm_max",
        "lead_max_ohm",
        "temperature_min_degc",
        "temperature_max_degc",
        "cold_below_degc",
        "cold_c",
        "wait_max_s",
        "resume_gap_max_s",
        "resume_rest_s",
        "resume_attempts_max",
    )
}

PACK_RECOVERY: Mapping[str, Said] = {
    **SHARED,
    "target_v": Said("V", "No cell is led above it.", "[A] 58.4 V for 16 in series"),
    "ceiling_min_v": Said(
        "V",
        "Where the cells could not be held at this much, a recovery is refused.",
        "[B] nothing lower than 3.5",
    ),
    "below_bms_v": Said("V", "Nor nearer to what the pack's own BMS opens at than this.", METERS),
    "cell_c_max": Said("C", "The set current is at most this C-rate.", "[A] 0.2C maximum"),
    "hold_h": Said("h", "So long the pack is held full while its balancer works.", "[A] 4 to 6 h"),
    "again_h": Said("h", "So long it is held after the cycle, before its spread is read.", OURS),
    "finish_c": Said("C", "From the finishing voltage on the current is at most this.", PHYSICS),
    "finish_above_v": Said("V", "The highest cell that asks for the finishing current.", PHYSICS),
    "cycle_c": Said("C", "The cycle discharges at this C-rate.", "[A] discharge normally"),
    "cycle_share": Said(
        "of the rating", "The cycle ends when this much was drawn.", "[A] packs stay above 20 %"
    ),
    "lowest_v": Said("V", "Or when the lowest cell is here.", PHYSICS),
    "stop_below_v": Said("V", "So far below, the output goes off at once.", OURS),
    "near_v": Said(
        "V", "The hold counts from when the highest cell is so near to where it is held.", OURS
    ),
    "bms_setting_within_v": Said(
        "V", "What the BMS says it opens at may differ from the pack's design by this.", OURS
    ),
}
