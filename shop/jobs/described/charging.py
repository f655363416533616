"""What charges a bank or a cell: top balances, in one voltage (B1, B2, B12)."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.said import MAKERS, METERS, OURS, PHYSICS, Said

COMMON: Mapping[str, Said] = {
    "attended_only": Said(
        "",
        "Whether somebody has to stay with every run of it.",
        '[B] "you simply do not want to leave them unattended at these voltages"',
    ),
    "wait_max_s": Said("s", "So long a step waits for a person.", OURS),
    "resume_gap_max_s": Said(
        "s",
        "An interrupted run goes on within this time: later a full cell has relaxed too "
        "far to be told from another.",
        PHYSICS,
    ),
    "resume_rest_s": Said("s", "The bank rests so long before it is looked at again.", PHYSICS),
    "resume_attempts_max": Said(
        "attempts", "So often a run is begun, the first time included.", OURS
    ),
    "meter_agree_v": Said(
        "V",
        "Cells, bank meter and supply that differ by more are in doubt: two good meters "
        "on one bank differ by a millivolt or two.",
        METERS,
    ),
    "lead_max_ohm": Said(
        "ohm",
        "Leads beyond this are in doubt: 10 AWG has some 7 mohm, and 30 would burn 6 W at 14 A.",
        METERS,
    ),
    "verify_cells_v": Said(
        "V",
        "At rest joined cells may differ from the bank meter by this: link ohms times "
        "equalising amps.",
        METERS,
    ),
    "alarm_above_v": Said("V", "So far above the target the bank meter raises an alarm.", OURS),
    "stop_above_v": Said("V", "So far above the target the output goes off at once.", OURS),
    "ovp_above_v": Said(
        "V", "The supply's own over-voltage protection is set so far above the set-point.", OURS
    ),
    "dwell_s": Said("s", "The tail must stay below its limit for so long.", OURS),
    "cv_max_s": Said("s", "The hold gives up after so long.", OURS),
    "supply_share": Said(
        "of the rating",
        "The set current is at most this share of what the supply can give.",
        '[B] appendix B, "not to burn it out"',
    ),
}

WARMTH: Mapping[str, Said] = {
    "temperature_min_degc": Said(
        "°C",
        "A charge stops while a cell is colder: lithium would plate.",
        "makers' sheets: Lishen LP54173207 0 to 60, Alpha APL none below 0",
    ),
    "temperature_max_degc": Said(
        "°C",
        "The output goes off at once when a cell is warmer.",
        PHYSICS + ": LFP ages fast there",
    ),
    "cold_below_degc": Said(
        "°C", "A colder cell is charged no faster than cold_c.", "Alpha APL manual: 0.1C at 0-10"
    ),
    "cold_c": Said("C", "What cold cells take at most.", "Alpha APL manual: 0.1C at 0-10"),
}

TOP_BALANCE: Mapping[str, Said] = {
    **COMMON,
    **WARMTH,
    "target_v": Said(
        "V", "The full voltage that every cell is charged to and held at.", "[A] step 2, [B] 4.3"
    ),
    "target_min_v": Said(
        "V",
        "No target below this is planned.",
        '[B] section 4: "would not recommend anything lower than 3.5"',
    ),
    "compensate_leads_v": Said(
        "V",
        "In the hold the set-point may rise so far for what the leads drop, the bank never above "
        "target; 0 is off.",
        OURS,
    ),
    "ovp_room_v": Said(
        "V",
        "For the leads the set-point never comes nearer to the supply's over-voltage protection.",
        "B5, 50 mV",
    ),
    "bms_run_v": Said(
        "V",
        "To this the pack's BMS lets a cell run in service; the target must not be "
        "below. 0 where nobody knows.",
        "B13, [B]",
    ),
    "tail_basis": Said(
        "",
        "What the tail's C-rates are of: the whole bank, or one cell.",
        '[A] "scales with total capacity"',
        ("bank", "cell"),
    ),
    "done_c": Said(
        "C",
        "The balance is done at this current, as a C-rate of the basis.",
        "[A] 0.25 A for 200 Ah",
    ),
    "partial_c": Said(
        "C", "Stopped above this current, the balance is only partial.", "[A] 0.5 A for 200 Ah"
    ),
    "done_share": Said(
        "of the set current",
        "The done limit is at most this share of the set current, so that a small supply "
        "has a tail at all.",
        OURS,
    ),
    "partial_share": Said(
        "of the set current", "The partial limit is at most this share of the set current.", OURS
    ),
    "bank_c_max": Said("C", "The set current is at most this C-rate of the bank.", "[B] 4.2"),
    "finish_c": Said(
        "C",
        "Above the finishing voltage the bank is charged no faster than this C-rate: it "
        "removes more spread than any tail.",
        PHYSICS,
    ),
    "finish_above_v": Said("V", "From this voltage on the finishing current holds.", PHYSICS),
    "at_least_below_v": Said(
        "V", "Done only while the bank meter shows the target less this, or more.", PHYSICS
    ),
    "cv_min_s": Said("s", "The voltage is held at least so long, whatever the current.", PHYSICS),
    "flat_for_s": Said(
        "s",
        "A tail that falls by less than the fraction below in this time is called flat.",
        PHYSICS,
    ),
    "flat_fraction": Said("of the current", "A fall by less than this is flat.", PHYSICS),
    "no_current_s": Said(
        "s",
        "A bank that rests above a supply which reads low may draw nothing for so long "
        "while it relaxes.",
        PHYSICS,
    ),
    "refresh_cv_min_s": Said(
        "s",
        "The hold before the disconnect check, after a wait for a person, lasts at least so long.",
        "[A] overnight strategy, B19",
    ),
    "leak_per_month": Said(
        "a month",
        "What a healthy cell loses by itself: a tail below that leak is never reached.",
        PHYSICS,
    ),
    "parallel_spread_max_v": Said(
        "V", "Rested cells that differ by more are not joined.", "[B] 4.1"
    ),
    "parallel_level_max_v": Said(
        "V",
        "Cells that differ by more are never joined directly; up to here the low ones "
        "are levelled first.",
        "[A]",
    ),
    "parallel_peak_warn_c": Said("C", "A predicted surge above this is warned of.", MAKERS),
    "parallel_peak_max_c": Said(
        "C", "A predicted surge above this forbids joining: the makers' limit of charge.", MAKERS
    ),
    "resistor_ohm": Said(
        "ohm", "The article's resistor, as a limiter of the surge.", "[A] 0.5 to 1 ohm, 50 W"
    ),
    "resistor_s": Said(
        "s", "For so long the article leaves that resistor in.", "[A] two to three minutes"
    ),
    "link_ohm": Said(
        "ohm",
        "What a link is taken to have until it is measured, for the predicted surge.",
        PHYSICS,
    ),
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
    "fresh_s": Said(
        "s", "The pass window holds so long after current stopped.", "[A] within 5 minutes"
    ),
    "late_s": Said("s", "Later than this the check is missing and not failed.", PHYSICS),
    "verify_margin_v": Said(
        "V",
        "Before a charge the bank meter may be this far outside the cells as they "
        "rested: two meters, and what relaxes while links go on.",
        METERS,
    ),
    "full_rating_allowed": Said(
        "",
        "Whether the supply's full continuous rating may be used; a supervisor allows it.",
        "[B] 4.2",
    ),
}
