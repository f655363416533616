"""What is wrong with which lead, contact or cell: named where the data show it, and only there.

Each look asks one question of a run.  It names what it found, says that all is well, or says
why nothing could be seen; a guess is none of the three.  Volts, amps, ohms, ampere-hours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from stations.commissioning.figures import Tolerances
from stations.planner.contacts import Looked
from stations.planner.knowledge import soc_of_rested
from stations.values import Window

Floats = NDArray[np.float64]

SUPPLY, LEADS, CONTACTS = "supply", "leads", "contacts"
LEAK, CAPACITY = "leak", "capacity"

POOR_LEADS_OHM = Tolerances().lead_max_ohm  # what a commissioning refuses
WORN_SHARE, WORN_OHM = 1.5, 3e-3  # beyond what they had when the bench was commissioned
LEADS_SEEN_A = 1.0
MONTH_H = 720.0
HEALTHY_LEAK = 0.03  # a month; makers state up to 3 %
# Full, as far as a tail brings a cell; a batch scatters by 1.5 % (one sigma), never by a tenth.
FULL_SOC, WEAK_SHARE = 0.999, 0.90
# Below its bank's median a cell that loses 30 % a month is 0.10 V after 4 h, one that loses 10 %
# 0.13 V after 24 h; before that only relaxation shows.
GROSS_LEAK_AFTER, LEAK_AFTER = timedelta(hours=4), timedelta(hours=24)
TEST_TELLS = "a capacity test of each cell tells"


@dataclass(frozen=True, slots=True)
class Look:
    """One question of a run: what was found, or why nothing could be seen, or that all is well."""

    of: str
    named: tuple[str, ...] = ()
    unseen: str = ""
    well: str = ""


@dataclass(frozen=True, slots=True)
class Rested:
    """One cell at a re-check: volts, the lowest that its bank allows, age since current stopped."""

    position: int  # from 1
    voltage_v: float
    allowed_v: float
    passed: bool
    age: timedelta


@dataclass(frozen=True, slots=True)
class Filled:
    """One cell that was charged alone to its tail: volts at rest before, and what went in."""

    position: int  # from 1
    rested_v: float
    charge_ah: float


def look_at_supply(bank_v: Floats, *, target_v: float, alarm_v: float) -> Look:
    """Of bank volts with the output on: nothing but the supply lifts a bank above what was set."""
    highest_v = float(np.nanmax(bank_v, initial=0.0))
    if not highest_v > alarm_v:
        return Look(SUPPLY, well=f"the supply kept to what was set: at most {highest_v:.3f} V came")
    return Look(
        SUPPLY,
        (
            f"the supply overshoots: it was set to {target_v:.2f} V at most, and the bank came to "
            f"{highest_v:.3f} V. Commission the bench again; have the supply repaired if it stays",
        ),
    )


def look_at_contacts(looked: Looked) -> Look:
    well = "no poor contact shows: every cell followed the others through the hold"
    return Look(
        CONTACTS,
        tuple(contact.words for contact in looked.poor),
        looked.words,
        "" if looked.words or looked.poor else well,
    )


def look_at_leads(
    drop_v: Floats, current_a: Floats, *, accuracy_v: float, commissioned_ohm: float = math.nan
) -> Look:
    """Of readings with the output on: supply minus bank meter, and amps; B6.

    `accuracy_v` is what the supply's own voltmeter may be off by: it is given to the leads.
    """
    flowed = current_a >= max(LEADS_SEEN_A, 0.5 * float(np.nanmax(current_a, initial=0.0)))
    if not flowed.any():
        return Look(LEADS, unseen=f"not observable below {LEADS_SEEN_A:g} A")
    ohms = drop_v[flowed] / current_a[flowed]
    ohm = float(np.nanmedian(ohms))
    surely_ohm = ohm - accuracy_v / float(np.nanmedian(current_a[flowed]))
    if math.isnan(ohm):
        return Look(LEADS, unseen="not observable: supply or bank meter gave no volts")
    told = f"lead {1000 * ohm:.0f} mΩ"
    fix = "tighten its lugs, or take shorter and thicker leads"
    if surely_ohm > POOR_LEADS_OHM:
        most = f"{1000 * POOR_LEADS_OHM:.0f} mΩ"
        return Look(LEADS, (f"{told}, where sound leads stay below {most}: {fix}",))
    if surely_ohm > WORN_SHARE * commissioned_ohm + WORN_OHM:
        then = f"{1000 * commissioned_ohm:.0f} mΩ"
        return Look(LEADS, (f"{told}, and {then} when the bench was commissioned: {fix}",))
    return Look(LEADS, well=f"the leads are sound: {1000 * max(0.0, ohm):.0f} mΩ both together")


def leak_month(amps: float, bank_ah: float) -> float:
    """What share of its charge a bank loses in a month whose CV current settles at `amps`."""
    return amps * MONTH_H / bank_ah


def floor_words(amps: float, done_a: float, bank_ah: float) -> str:
    """A tail that no longer falls, above its limit."""
    return (
        f"waiting on the leak floor: the tail stays at {amps:.2f} A, above {done_a:.2f} A, as if "
        f"{100 * leak_month(amps, bank_ah):.0f} % of the charge leaked away a month. A cell "
        "leaks, something else draws from it, or the supply's ammeter is off"
    )


def look_at_leak(
    amps: float, *, done_a: float, charged_ah: float, floor_a: float | None, cell: int = 0
) -> Look:
    """Of a tail into `charged_ah` of cells: its last amps, and where it stays above its limit.

    `cell` is the position of the one that is charged alone, 0 for joined cells.
    """
    if floor_a is not None:
        told = floor_words(floor_a, done_a, charged_ah)
        if cell:
            return Look(
                LEAK, (f"cell {cell}: {told}. Watch it at rest for 24 h before it is used",)
            )
        which = "which cell is not observable while they are joined: part them, check after 24 h"
        return Look(LEAK, (f"{told}; {which}",))
    if math.isnan(amps):
        return Look(LEAK, unseen="not observable before the hold")
    seen = leak_month(max(amps, done_a), charged_ah)
    if seen <= HEALTHY_LEAK:
        return Look(LEAK, well="no leak shows: the tail went below a healthy one")
    whose = "the cell" if cell else "the bank"
    return Look(
        LEAK,
        unseen=f"not observable in a tail of {max(amps, done_a):.2f} A unless {whose} loses "
        f"{100 * seen:.0f} % a month; a re-check after 24 h tells",
    )


def look_at_rest(cells: Sequence[Rested]) -> Look:
    """Of a re-check (B8): what falls away from its bank leaks, or was never as full."""
    if not cells:
        return Look(LEAK, unseen="not observable before the cells were measured")
    named = tuple(
        f"cell {cell.position} rests at {cell.voltage_v:.3f} V, below the {cell.allowed_v:.3f} V "
        "that its bank allows: it leaks, or its link was poor in the hold. Tighten its links and "
        "repeat the hold; if it falls away again, put it aside"
        for cell in cells
        if not cell.passed
    )
    age = min(cell.age for cell in cells)
    if named or age >= LEAK_AFTER:
        return Look(LEAK, named, well="" if named else "no cell loses 10 % a month or more")
    if age < GROSS_LEAK_AFTER:
        return Look(LEAK, unseen="not observable before 4 h of rest")
    return Look(
        LEAK,
        well="no cell loses 30 % a month or more",
        unseen="not observable below that before 24 h of rest",
    )


def capacity_by_charge(charge_ah: float, rested_v: Sequence[float]) -> Window:
    """Ah that one cell of these holds on average, if `charge_ah` filled all from `rested_v`."""
    soc = [soc_of_rested(volts) for volts in rested_v]
    most, least = (sum(FULL_SOC - z for z in ends) for ends in _ends(soc))
    return Window(charge_ah / most, charge_ah / least if least > 0 else math.inf)


def _ends(soc: Sequence[Window]) -> tuple[list[float], list[float]]:
    return [z.low for z in soc], [z.high for z in soc]


def look_at_joined_capacity(charge_ah: float, rested_v: Sequence[float], rated_ah: float) -> Look:
    """A whole charge of joined cells tells at most that there is a weak one among them."""
    unseen = f"not observable while the cells are joined: they share one voltage; {TEST_TELLS}"
    seen = capacity_by_charge(charge_ah, rested_v) if rested_v else Window(0.0, math.inf)
    if seen.high >= WEAK_SHARE * rated_ah:
        return Look(CAPACITY, unseen=unseen)
    return Look(
        CAPACITY,
        (
            f"weak cells are among these: they took {charge_ah:.0f} Ah, which makes at most "
            f"{seen.high:.0f} of {rated_ah:.0f} Ah a cell. {TEST_TELLS.capitalize()}",
        ),
    )


def look_at_filled(cells: Sequence[Filled], rated_ah: float) -> Look:
    """Cells that were charged one by one (B12, B17): each by what went in from where it rested."""
    if not cells:
        return Look(CAPACITY, unseen="not observable before a charge is done")
    named, unsure = [], []
    for cell in cells:
        seen = capacity_by_charge(cell.charge_ah, [cell.rested_v])
        if seen.high < WEAK_SHARE * rated_ah:
            named.append(weak_words(cell.position, Window(seen.low, seen.high), rated_ah))
        elif seen.low < WEAK_SHARE * rated_ah:
            unsure.append(str(cell.position))
    of = f"cell{'s' if len(unsure) > 1 else ''} {', '.join(unsure)}"
    unseen = f"not observable of {of}: volts at rest told too little; {TEST_TELLS}"
    return Look(
        CAPACITY,
        tuple(named),
        unseen if unsure else "",
        "" if named or unsure else "no weak cell: each took what its capacity lets it",
    )


def look_at_capacity(capacity_ah: float, rated_ah: float) -> Look:
    """A capacity test (B16) of one cell."""
    if capacity_ah < WEAK_SHARE * rated_ah:
        return Look(CAPACITY, (weak_words(1, Window(capacity_ah, capacity_ah), rated_ah),))
    return Look(CAPACITY, well=f"the cell is not weak: {capacity_ah:.0f} of {rated_ah:.0f} Ah")


def weak_words(position: int, capacity_ah: Window, rated_ah: float) -> str:
    low, high = f"{capacity_ah.low:.0f}", f"{capacity_ah.high:.0f}"
    held = low if low == high else f"{low} … {high}"
    return (
        f"cell {position} is weak: it holds {held} of {rated_ah:.0f} Ah. Keep it out of this "
        "pack, or grade the pack by it"
    )
