"""What charges to other voltages than full: step and pause (B11), levelling (B3)."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.charging import TOP_BALANCE
from shop.jobs.described.said import OURS, PHYSICS, Said

STEP_PAUSE: Mapping[str, Said] = {
    **TOP_BALANCE,
    "target_v": Said(
        "V",
        "The last of the three voltages; the bank is held there until its tail is done.",
        "[B] appendix B, step 6",
    ),
    "tail_basis": Said(
        "",
        "What the tail's C-rates are of; of one cell, the current is next to none.",
        '[B] "current has dropped to 0.0A"',
        ("bank", "cell"),
    ),
    "first_v": Said("V", "The first voltage on the way to the target.", "[B] appendix B, step 2"),
    "second_v": Said("V", "The second voltage on the way to the target.", "[B] appendix B, step 4"),
    "stage_cv_min_s": Said("s", "Each voltage before the target is held at least so long.", OURS),
    "first_share": Said(
        "of the set current",
        "With this current the first voltage's time limit reckons: it is held some 45 mV "
        "above the plateau.",
        PHYSICS,
    ),
}

LEVELLING: Mapping[str, Said] = {
    **TOP_BALANCE,
    "target_v": Said(
        "V",
        "The voltage at which the high cells rest: the low ones are charged up to it.",
        "[B] section 4, physics of the cell",
    ),
    "target_min_v": Said("V", "No target below this is planned.", PHYSICS),
    "done_c": Said(
        "C", "Levelled at this C-rate: 1 A for 200 Ah is 1 mV through the cell.", PHYSICS
    ),
    "partial_c": Said("C", "Stopped above this current, the cells are not level.", PHYSICS),
    "finish_above_v": Said("V", "Never reached: there is no knee below.", PHYSICS),
    "cv_min_s": Said("s", "The voltage is held at least so long.", OURS),
    "cv_max_s": Said(
        "s",
        "The hold gives up after so long: on the plateau leads of 5 mohm let through "
        "what 10 to 50 mV drive.",
        PHYSICS,
    ),
    "flat_for_s": Said("s", "Hours at a held voltage are no flat tail here.", PHYSICS),
    "above_v": Said("V", "A levelled cell rests at most this far above the target.", PHYSICS),
    "levelled_below_v": Said(
        "V",
        "A levelled cell rests at most this far below the target, of 150 mV that may be joined.",
        "[B] 4.1",
    ),
}
