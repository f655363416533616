"""What a self-discharge watch goes by."""

from __future__ import annotations

from collections.abc import Mapping

from shop.jobs.described.charging import COMMON
from shop.jobs.described.said import METERS, OURS, PHYSICS, Said

SELF_DISCHARGE: Mapping[str, Said] = {
    **COMMON,
    "gap_min_s": Said(
        "s",
        "The second check comes this long after the first, or later; its job opens then.",
        PHYSICS + ", modelled: 10 % a month is off the knee after 3 days",
    ),
    "gap_max_s": Said(
        "s",
        "A first check that is older counts for nothing: the watch begins anew.",
        PHYSICS + ": healthy cells are on the plateau by then",
    ),
    "rest_min_s": Said(
        "s",
        "Current must have stopped this long before the first check.",
        PHYSICS + ": 8 times the slowest relaxation near full",
    ),
    "warn_month": Said(
        "of charge a month",
        "A cell that loses this much more than its group's median is to be watched again.",
        PHYSICS + ": above 5 % is suspect where 2 % is usual",
    ),
    "fail_month": Said(
        "of charge a month",
        "A cell that loses this much more than its group's median leaks: a nonconformance.",
        PHYSICS + ": half way from the usual 2 % to 10 %, which is bad",
    ),
    "observable_share": Said(
        "of the limit",
        "A loss that volts tell less sharply than this is not observable.",
        OURS,
    ),
    "unsure_v": Said(
        "V",
        "Rested volts may be off by this: the meter, 3 K, and what is not known of hysteresis.",
        METERS,
    ),
    "hysteresis_v": Said(
        "V",
        "Near full and near empty a cell rests this far beyond equilibrium.",
        PHYSICS + ", modelled: 2 to 4 mV after a hold",
    ),
    "plateau_v": Said(
        "V",
        "On the plateau rested volts may be off by this, to either side.",
        PHYSICS + ": half of a gap of 5-25 mV",
    ),
    "span_max_s": Said("s", "From the first reading to the last it may take so long.", PHYSICS),
    "temperature_span_k": Said(
        "K", "Checks at temperatures that differ by more are not compared.", PHYSICS
    ),
}
