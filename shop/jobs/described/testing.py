"""What a capacity test (B16) and a re-check (B8) go by."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.charging import COMMON
from shop.jobs.described.said import METERS, OURS, PHYSICS, Said

CAPACITY_TEST: Mapping[str, Said] = {
    **COMMON,
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
}
