"""What a capacity test (B16), a DC resistance test and a re-check (B8) go by."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.charging import COMMON, WARMTH
from shop.jobs.described.emptying import RECHECK_EMPTY
from shop.jobs.described.said import METERS, OURS, PHYSICS, Said

CAPACITY_TEST: Mapping[str, Said] = {
    **COMMON,
    **WARMTH,
    "target_v": Said(
        "V",
        "The voltage that the cell is filled to before it is emptied.",
        "makers' charge voltage",
    ),
    "done_c": Said(
        "C",
        "The cell is full when the current has fallen to this C-rate.",
        "makers end at 0.05C; deeper, so that the start is the same each time",
    ),
    "done_share": Said(
        "of the charge current",
        "The full limit is at most this share of the charge current, so that a small "
        "supply has a tail at all.",
        OURS,
    ),
    "supply_share": Said(
        "of the rating",
        "The charge takes at most this share of what the supply can give.",
        '[B] appendix B, "not to burn it out"',
    ),
    "lead_max_ohm": Said("ohm", "Leads of the supply beyond this are in doubt.", METERS),
    "charge_c": Said(
        "C",
        "The cell is filled at most this fast; the supply is usually the lower limit.",
        "makers' standard charge",
    ),
    "rest_s": Said(
        "s",
        "The full cell rests so long before it is emptied.",
        "[A] charge, rest, discharge; makers rest 30 min to 1 h",
    ),
    "discharge_c": Said(
        "C",
        "The cell is emptied at this C-rate.",
        "rated C of prismatic LFP; a data sheet that says 0.2C is followed",
    ),
    "cutoff_v": Said(
        "V",
        "The discharge ends when the cell's meter has seen this voltage.",
        "[A], and the makers' end of discharge",
    ),
    "cutoff_samples": Said("readings", "So many readings in a row must be at the cut-off.", OURS),
    "stop_below_v": Said(
        "V",
        "So far below the cut-off the output goes off at once: nothing is harmed before 2.0 V.",
        PHYSICS,
    ),
    "gap_max_s": Said(
        "s",
        "A hole in the readings longer than this makes the capacity worth nothing.",
        "B16: an interpolated capacity is no evidence",
    ),
    "empty_rest_s": Said("s", "The empty cell is watched so long.", OURS),
    "full_low_v": Said("V", "A full cell rests above this; one below was not full.", PHYSICS),
    "load_lead_max_ohm": Said(
        "ohm",
        "Leads of the load beyond this are in doubt; they are heavier, for they carry more.",
        METERS,
    ),
}

RESISTANCE_TEST: Mapping[str, Said] = {
    **COMMON,
    "current_c": Said("C", "The cell gives this C-rate in the step.", "rated C of prismatic LFP"),
    "step_s": Said(
        "s",
        "So long into the step the resistance is of; then the current stops.",
        "hybrid pulse power characterization (HPPC), at most 10 s",
    ),
    "early_s": Said(
        "s",
        "So long into the step the cell is looked at a first time, before most polarisation.",
        OURS,
    ),
    "rest_s": Said("s", "The cell rests so long before the step.", "HPPC, one hour"),
    "rested_low_v": Said(
        "V",
        "A cell that rests below this is too empty: its resistance depends on its charge.",
        PHYSICS + ": 20 % charge, less 10 mV of hysteresis",
    ),
    "rested_high_v": Said(
        "V",
        "A cell that rests above this is too full: its resistance depends on its charge.",
        PHYSICS + ": 90 % charge, and 10 mV of hysteresis",
    ),
    "low_share": Said(
        "of the typical",
        "Less than this share of what its type's datasheet calls typical no such cell has.",
        "a datasheet's value is at 1 kHz, which is below any by direct current",
    ),
    "warn_share": Said(
        "of the typical",
        "More than this share of the datasheet's typical resistance is remarked on.",
        PHYSICS + ", modelled: 1.6 at 10 s and 25 °C, and 10 % scatter",
    ),
    "fail_share": Said(
        "of the typical",
        "More than this share of the datasheet's typical resistance is a nonconformance.",
        PHYSICS + ", modelled: all of it is 1.9 times as much at 10 °C",
    ),
    "resolution_share": Said(
        "of the fall",
        "One count of the meter may be this share of the expected fall; else it is refused.",
        METERS,
    ),
    "cutoff_v": Said(
        "V",
        "A cell that falls to this within the step is nearly empty, or bad: the run trips.",
        PHYSICS,
    ),
    "cutoff_samples": Said("readings", "So many readings must be at that voltage.", OURS),
    "stop_below_v": Said("V", "So far below it the bench itself switches off.", PHYSICS),
    "gap_max_s": Said(
        "s",
        "A hole in the readings longer than this makes the step worth nothing.",
        "what is interpolated is no evidence",
    ),
    "after_s": Said("s", "The cell is watched so long after the step.", OURS),
    "load_lead_max_ohm": Said("ohm", "Leads of the load beyond this are in doubt.", METERS),
}

RECHECK: Mapping[str, Said] = {
    **COMMON,
    "early_s": Said(
        "s",
        "Up to this age the early limits hold; from here to the late age they widen evenly.",
        "[A] assemble within 4 h",
    ),
    "early_warn_v": Said(
        "V",
        "At the early age a cell this far below its group's median is warned of.",
        PHYSICS + ", modelled: healthy banks spread over 17-23 mV",
    ),
    "early_fail_v": Said(
        "V",
        "At the early age a cell this far below its group's median fails.",
        PHYSICS + ", modelled: 30 % a month is 100 mV low",
    ),
    "late_s": Said("s", "From this age on the late limits hold.", PHYSICS),
    "late_warn_v": Said(
        "V",
        "At the late age a cell this far below its group's median is warned of.",
        PHYSICS + ", modelled: healthy banks spread over 54-57 mV",
    ),
    "late_fail_v": Said(
        "V",
        "At the late age a cell this far below its group's median fails.",
        PHYSICS + ", modelled: 10 % a month is 130 mV low",
    ),
    "floor_v": Said(
        "V", "No full healthy cell rests below this: it is the rest voltage at about 92 %.", PHYSICS
    ),
    "span_max_s": Said(
        "s",
        "From the first reading to the last it may take so long: all cells at one age.",
        PHYSICS,
    ),
    "temperature_span_k": Said("K", "Cells that differ by more are not compared.", PHYSICS),
    **RECHECK_EMPTY,
}
