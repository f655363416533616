"""Who must be at the bench, and when: a program's acts of hands with their expected times.  Pure.

Hours count from the start.  Between two stretches somebody's hands take as long as the article
says for a whole night, a quarter of an hour; a measurement by scanner takes minutes and is in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from stations.planner.hours import Interval
from stations.planner.stretches import acts
from stations.procedures.steps import Program

HANDS_H = 0.25  # [A] "Total active effort: 15 minutes"


@dataclass(frozen=True, slots=True)
class Visit:
    """What is asked of a person at one time, in order; `after` is hours from the start."""

    titles: tuple[str, ...]
    after: Interval


def visits(program: Program, hours: Interval) -> tuple[Visit, ...]:
    """Of a program whose stretches take `hours` together; they are alike where there are many."""
    asked = acts(program)
    stretches = max(1, len(asked) - 1)
    found = []
    for done, instructs in enumerate(asked):
        share, hands_h = done / stretches, done * HANDS_H
        after = Interval(*(share * h + hands_h for h in (hours.low, hours.middle, hours.high)))
        if instructs:
            found.append(Visit(tuple(step.title for step in instructs), after))
    return tuple(found)
