"""Where a source and physics disagree: one sentence each, and where a person meets the case.

[A] is "Top Balancing vs Bottom Balancing", [B] "Top Balancing LiFePo4 Cells using a low cost 10A
benchtop power supply".  The source's number can be chosen where it is a number of a recipe; the
default is what works, and the sentence says why.  Figures of ours are of the cell model.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

# Places: the plan of what a job does, the run's page, and the list of cells that wait.
PLAN_JOINED, PLAN_STEPS, PLAN_LEVELLING = "plan joined", "plan steps", "plan levelling"
PLAN_RESTING, PLAN_EMPTYING, PLAN_SINGLE = "plan resting", "plan emptying", "plan single"
RUN_CHARGE, RUN_CHECK, SHELF = "run charge", "run check", "shelf"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """`case` is its name, `words` the sentence, `places` where it is shown."""

    case: str
    words: str
    places: tuple[str, ...]


DISAGREEMENTS = (
    Disagreement(
        "hours of a parallel bank",
        "The article gives 4 to 6, 5 to 10, 6 to 8, or 8 hours overnight for 16 cells of 200 Ah at "
        "20 A; in parallel from empty it is about 160 h, because the missing ampere-hours of all "
        "cells come through one supply.",
        (PLAN_JOINED, PLAN_STEPS),
    ),
    Disagreement(
        "basis of the tail",
        "The article ends at 0.25 A for 200 Ah and also says that it scales with the total "
        "capacity; 0.25 A of a whole bank of 16 lies beside its own leak of 0.1 A and the zero of "
        "many ammeters, so the default counts the bank, and one cell can be chosen.",
        (PLAN_JOINED, PLAN_STEPS, PLAN_SINGLE),
    ),
    Disagreement(
        "windows after relaxation",
        "3.62 to 3.65 V is what a full cell shows in the first minutes after current stopped; four "
        "hours later a healthy one rests at 3.37 to 3.61 V, so a re-check judges each cell by its "
        "bank's median and never by 3.62 V.",
        (PLAN_RESTING, RUN_CHECK),
    ),
    Disagreement(
        "2.50 V at rest",
        "A cell that was discharged to 2.50 V at once rests at about 2.8 V half an hour later and "
        "its neighbours 40 mV apart; within 10 mV at rest takes a taper down to 0.01C.",
        (PLAN_EMPTYING,),
    ),
    Disagreement(
        "the resistor",
        "The article's 0.5 to 1 Ω for two or three minutes holds the surge down while it is in, "
        "and moves less than 0.02 Ah of the tens that the cells differ by: the full surge comes "
        "when it is taken out, so low cells are levelled first.",
        (PLAN_JOINED, PLAN_STEPS, PLAN_LEVELLING),
    ),
    Disagreement(
        "millivolts under current",
        "The article's 20 to 50 mV left at 5 A are seen only through links of 4 to 10 mΩ; cells "
        "in parallel share a node, so a spread under current is contact resistance, and imbalance "
        "shows minutes after the links are off.",
        (RUN_CHARGE,),
    ),
    Disagreement(
        "5-15 Ah still distributing",
        "Between 5 A and 0.25 A the article has 5 to 15 Ah still going round; it is about 1 Ah of "
        "a whole bank, or 1 to 2 Ah a cell where the amps are each cell's.",
        (RUN_CHARGE,),
    ),
    Disagreement(
        "voltage rising in storage",
        "No cell gains volts on a shelf: emptied to 2.50 V it rests at 2.7 to 2.9 V after two "
        "days, never at the 3.58 to 3.65 V of the article's table, and a full one only falls; "
        "volts that rose are another cell's or another meter's.",
        (PLAN_RESTING, PLAN_EMPTYING, SHELF),
    ),
)


def said_at(place: str) -> tuple[str, ...]:
    """The sentences of one place, in the table's order."""
    return tuple(known.words for known in DISAGREEMENTS if place in known.places)
