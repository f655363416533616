"""B14, B15, B18: what a pack's spread asks for, in words.  Pure.

The course of a pack is told by its readings at the top of charge, where millivolts show: on the
plateau 10 mV may be 20 % of SOC, so a reading from there says nothing.  Bounds are of [A]
"Top Balancing vs Bottom Balancing", recovery of a pack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shop.jobs.policies import Policy
from shop.refusals import Problem
from stations.procedures.pack_recovery import SPREAD_READ
from stations.procedures.state import Record
from stations.values import Window

CELL_V = Window(1.5, 4.5)  # what a voltmeter on one LFP cell can show; else it was mistyped
MONTHS_MAX = 1200
CELL_FACT = re.compile(r"cell_\d+_v")  # of that hold's record


def spread_v(cells_v: Sequence[float]) -> float:
    """Volts between the highest and the lowest cell, to the microvolt."""
    return round(max(cells_v) - min(cells_v), 6)


class Course(StrEnum):
    """What is done about a reading."""

    NOTHING = "NOTHING"
    WATCH = "WATCH"
    HOLD = "HOLD"  # charge to full, hold while the balancer works, one cycle
    EXTENDED = "EXTENDED"  # one longer hold, and no second one
    TAKE_APART = "TAKE_APART"
    UNKNOWN = "UNKNOWN"  # not observable


HOLDS = frozenset({Course.HOLD, Course.EXTENDED})


@dataclass(frozen=True, slots=True)
class CareLimits:
    """Volts between the highest and the lowest cell at the top of charge, and what is done then.

    A hold is of `hold_min` to `hold_max`, an extended one longer.
    """

    recovered_v: float
    repeat_v: float
    mild_v: float
    severe_v: float
    certain_v: float  # above it taking the pack apart is faster than any hold in series
    watch_for: timedelta
    hold_min: timedelta
    hold_max: timedelta
    long_months: int  # growing for so long: some cells have lost capacity for good

    @classmethod
    def of(cls, policy: Policy) -> CareLimits:
        return cls(
            recovered_v=policy.care_recovered_v,
            repeat_v=policy.care_repeat_v,
            mild_v=policy.care_mild_v,
            severe_v=policy.care_severe_v,
            certain_v=policy.care_certain_v,
            watch_for=timedelta(seconds=policy.care_watch_s),
            hold_min=timedelta(seconds=policy.care_hold_min_s),
            hold_max=timedelta(seconds=policy.care_hold_max_s),
            long_months=policy.care_long_months,
        )

    @property
    def hold_words(self) -> str:
        """How long a hold is: "4 to 6 h"."""
        return f"{_hours(self.hold_min):g} to {_hours(self.hold_max):g} h"


@dataclass(frozen=True, slots=True)
class SpreadRead:
    """One reading of all cells of a pack; `after` is the course that was taken just before it."""

    cells_v: tuple[float, ...]
    taken_at: datetime
    at_top: bool
    months: int | None = None  # for how long the spread has been growing, where anybody knows
    after: Course | None = None

    @property
    def spread_v(self) -> float:
        return spread_v(self.cells_v)


@dataclass(frozen=True, slots=True)
class Advice:
    """The course, why, and what to do; `again_at` is when to read the pack again."""

    course: Course
    words: str
    fix: str
    again_at: datetime | None = None

    @property
    def is_hold(self) -> bool:
        return self.course in HOLDS


def advice(reading: SpreadRead, limits: CareLimits) -> Advice:
    """What the newest reading of a pack asks for."""
    shown = f"{reading.spread_v * 1000:.0f} mV between highest and lowest cell"
    if not reading.at_top:
        return Advice(
            Course.UNKNOWN,
            f"{shown}, but not at the top of charge: on the plateau 10 mV may be 20 % of charge.",
            "Charge the pack to full and read its cells while the current is small.",
        )
    if reading.spread_v > limits.severe_v:
        words = f"{shown}: severe.{_certain(reading, limits)}"
        return Advice(Course.TAKE_APART, words, _apart(reading, limits))
    if reading.spread_v > limits.mild_v:
        return _wide(reading, shown, limits)
    if reading.spread_v > limits.repeat_v:
        again = "the hold has not done it yet" if reading.after in HOLDS else "a mild imbalance"
        return Advice(
            Course.HOLD,
            f"{shown}: {again}.",
            "Charge at 0.2C or less, hold at full voltage for "
            f"{limits.hold_words} while the balancer works, discharge and charge once, and read it "
            "again.",
        )
    if reading.spread_v > limits.recovered_v:
        return Advice(
            Course.WATCH,
            f"{shown}: to be watched.",
            f"Read it again in {limits.watch_for.days} days.",
            reading.taken_at + limits.watch_for,
        )
    healthy = "recovered" if reading.after in HOLDS else "as it should be"
    return Advice(Course.NOTHING, f"{shown}: {healthy}.", "Nothing to do.")


def _wide(reading: SpreadRead, shown: str, limits: CareLimits) -> Advice:
    """Between mild and severe: one extended hold, and then no more of them."""
    if reading.after == Course.EXTENDED:
        return Advice(
            Course.TAKE_APART,
            f"{shown} after an extended hold: no better than {limits.mild_v * 1000:.0f} mV.",
            _apart(reading, limits),
        )
    return Advice(
        Course.EXTENDED,
        f"{shown}: more than one hold of {limits.hold_words} corrects.",
        "Hold it at full voltage once for longer; if that leaves more than "
        f"{limits.mild_v * 1000:.0f} mV, take the pack apart.",
    )


def _hours(span: timedelta) -> float:
    return round(span.total_seconds() / 3600, 2)


def _certain(reading: SpreadRead, limits: CareLimits) -> str:
    if reading.spread_v <= limits.certain_v:
        return ""
    return f" Above {limits.certain_v * 1000:.0f} mV no hold in series is faster."


def _apart(reading: SpreadRead, limits: CareLimits) -> str:
    words = "Take the pack apart, test the capacity of every cell, balance them anew, reassemble."
    if reading.months is not None and reading.months >= limits.long_months:
        words += f" It has been growing for {reading.months} months: expect cells to be replaced."
    return words


def spread_of(records: Iterable[Record]) -> list[float]:
    """What each cell of a pack showed at the end of a recovery's last hold; empty without one."""
    facts = next((dict(r.facts) for r in records if r.step == SPREAD_READ), {})
    return [volts for name, volts in facts.items() if CELL_FACT.fullmatch(name)]


def measured_in(station: str, run: int) -> str:
    """What measured a reading that a run left, in words."""
    return f"station {station}, run {run}"


def reading_problems(
    *,
    cells_v: Sequence[float],
    cells: int,
    months: int | None,
    taken_at: datetime,
    built_at: datetime,
    now: datetime,
) -> list[Problem]:
    """What is wrong with a reading of a pack of so many cells in series."""
    found = []
    if len(cells_v) != cells:
        found.append(
            Problem(
                "cell_count",
                f"{len(cells_v)} voltages were given; the pack has {cells} cells in series.",
                "Give one voltage for each, from the most negative.",
            )
        )
    found += [
        Problem(
            "impossible_voltage",
            f"Cell {place} reads {volts:g} V, which no LFP cell can show.",
            "Give volts, not millivolts, and measure again what looks odd.",
        )
        for place, volts in enumerate(cells_v, start=1)
        if not CELL_V.contains(volts)
    ]
    if months is not None and not 0 <= months <= MONTHS_MAX:
        found.append(
            Problem(
                "months",
                "That is no time for which a spread has been growing.",
                f"Give whole months, at most {MONTHS_MAX}, or none where nobody knows.",
            )
        )
    return found + _time_problems(taken_at, built_at, now)


def skip_problems(
    *, capacity_ah: float, rated_ah: float, tested_at: datetime, built_at: datetime, now: datetime
) -> list[Problem]:
    """B18: a further balance is skipped only where the pack holds what it should."""
    found = _time_problems(tested_at, built_at, now)
    if not 0.0 < capacity_ah < 2.0 * rated_ah:
        found.append(
            Problem(
                "impossible_capacity",
                f"{capacity_ah:g} Ah cannot be what a pack of {rated_ah:g} Ah holds.",
                "Give the capacity in ampere-hours, as the test read it.",
            )
        )
    elif capacity_ah < rated_ah:
        found.append(
            Problem(
                "below_rating",
                f"The pack gave {capacity_ah:g} Ah of its {rated_ah:g} Ah.",
                "Read its cells at the top of charge: it may have to be balanced.",
            )
        )
    return found


def _time_problems(taken_at: datetime, built_at: datetime, now: datetime) -> list[Problem]:
    if built_at <= taken_at <= now:
        return []
    when = "lies in the future" if taken_at > now else "was before the pack was assembled"
    return [
        Problem(
            "time",
            f"{taken_at:%Y-%m-%d %H:%M} UTC {when}.",
            "Give the time at which the pack was measured.",
        )
    ]


def hold_problems(asks: Advice | None, hours: float | None, limits: CareLimits) -> list[Problem]:
    """B14: a hold follows the newest reading, where that asks for one.

    `hours` is how long the recipe holds, None where it is not of a pack.
    """
    found = []
    if asks is None or asks.course not in HOLDS:
        said = asks.words if asks else "there is a newer one, or its course was taken."
        found.append(
            Problem(
                "no_hold_asked",
                f"This reading asks for no hold: {said}",
                "Read the pack again at the top of charge.",
            )
        )
    shortest_h, longest_h = _hours(limits.hold_min), _hours(limits.hold_max)
    if asks and asks.course == Course.HOLD and hours is not None and hours < shortest_h:
        found.append(
            Problem(
                "hold_too_short",
                f"The recipe holds the pack for {hours:g} h; this reading asks for a hold of "
                f"{limits.hold_words}.",
                f"Choose a recipe that holds for {shortest_h:g} h or longer.",
            )
        )
    if asks and asks.course == Course.EXTENDED and hours is not None and hours <= longest_h:
        found.append(
            Problem(
                "hold_too_short",
                f"The recipe holds the pack for {hours:g} h; this reading asks for an extended "
                f"hold, longer than {longest_h:g} h.",
                "Choose the recipe of an extended hold: there is one such hold, and no second.",
            )
        )
    if hours is None:
        found.append(
            Problem("not_of_a_pack", "The recipe is not of a pack.", "Choose a pack recovery.")
        )
    return found
