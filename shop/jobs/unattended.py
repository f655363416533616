"""May a run be left alone (F4)?  Every condition with its reason, in words.  Pure.

Otherwise it is attended, for [B] "Top Balancing LiFePo4 Cells": "you simply do not want to leave
them unattended at these voltages for long periods of time".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.jobs.policies import Policy
from shop.refusals import Problem
from stations.procedures.attendance import ovp_problems
from stations.procedures.steps import Program
from stations.values import Ratings, Reading

QUOTE = "you simply do not want to leave them unattended at these voltages for long periods of time"
ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 8: "eighth"}
STAY = "Start it attended: somebody stays and says so in time."


@dataclass(frozen=True, slots=True)
class Night:
    """What the shop knows before a night; times of the last proof, None where there is none.

    `cutoff_at`: an output of this station was on and was proven off.  `alert_at`: a test alert was
    sent and the one who received it said so.  `unsent` are runs whose own alert still waits.
    `cells` lie on the table, of which a program of a pack counts those in parallel as one.
    """

    cells: int
    attended_only: bool  # by the recipe
    has_relay: bool
    cutoff_at: datetime | None
    alert_at: datetime | None
    unsent: Sequence[int]
    commissioning: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the policy asks of a night: how old a proof may be, how far above the target the
    supply's own protection, and for how many cells one temperature probe will do."""

    cutoff_max: timedelta
    alert_max: timedelta
    ovp_above_v: float
    cells_per_probe: int

    @classmethod
    def by(cls, policy: Policy) -> Asked:
        return cls(
            cutoff_max=timedelta(seconds=policy.cutoff_proven_s),
            alert_max=timedelta(seconds=policy.alert_checked_s),
            ovp_above_v=policy.unattended_ovp_above_v,
            cells_per_probe=policy.cells_per_probe_max,
        )


def problems(
    program: Program, ratings: Ratings, night: Night, *, asked: Asked, now: datetime
) -> list[Problem]:
    """Why this program may not be left alone at this station tonight; empty means it may."""
    found = []
    if night.attended_only:
        words = f"The recipe is attended; the article: “{QUOTE}”."
        found.append(Problem("attended_recipe", words, STAY))
    found += [
        Problem("ovp", words, "Lower it in the recipe.")
        for words in ovp_problems(program, asked.ovp_above_v)
    ]
    supply = ratings.supply
    if not supply.has_protection:
        words = f"The {supply.model} has no over-voltage protection of its own to set and read."
        found.append(Problem("no_protection", words, "Use a station whose supply has one."))
    if not (supply.has_watchdog or night.has_relay):
        words = (
            f"The {supply.model} has no watchdog, and no relay that needs re-arming parts it from "
            "the cells once nothing drives the bench any more."
        )
        found.append(Problem("no_watchdog", words, "Fit a contactor relay, or use another supply."))
    if ratings.thermometer is None:
        words = "No thermometer lies on the cells of this station."
        found.append(Problem("no_temperature", words, "Register a temperature logger."))
    else:
        found += probe_problems(ratings.thermometer.channels, night.cells, asked.cells_per_probe)
    found += _age(
        night.cutoff_at,
        now,
        asked.cutoff_max,
        "cutoff",
        "An output of this station was not on and proven off",
        "Run `python -m stations check` at the bench, or a job that somebody stays with.",
    )
    found += _age(
        night.alert_at,
        now,
        asked.alert_max,
        "alert_path",
        "No test alert was seen to arrive",
        "Send one on the page “Alerts” and type the code that arrives.",
    )
    if night.unsent:
        runs = ", ".join(map(str, night.unsent))
        words = f"Nobody could yet be told what became of run {runs}: the alert does not leave."
        found.append(Problem("alert_unsent", words, "See to the mail server; it is sent again."))
    return [*found, *night.commissioning]


def probe_problems(probes: int, cells: int, per_probe: int) -> list[Problem]:
    """F4: where fewer probes than one for each `per_probe` cells tell how warm they are."""
    wanted = math.ceil(cells / per_probe)
    if probes >= wanted:
        return []
    words = f"{probes} temperature probe{'s' if probes != 1 else ''} for {cells} cells: {wanted} "
    words += f"{'is' if wanted == 1 else 'are'} asked for."
    fix = f"Lay one on {_every(per_probe)} and name its channel in bench.toml. {STAY}"
    return [Problem("few_probes", words, fix)]


def _every(nth: int) -> str:
    if nth == 1:
        return "every cell"
    return f"every {ORDINALS.get(nth, f'{nth}th')} cell"


def live_problems(reading: Reading | None, cells: int, per_probe: int) -> list[Problem]:
    """What the bench itself must show, output off, before it is left alone; None: no reading.

    As many probes for its `cells` as one for each `per_probe` of them.
    """
    found = []
    meter_v = reading.voltage_v if reading else math.nan
    if not (math.isfinite(meter_v) and meter_v >= 0):
        words = "The independent bank meter shows no voltage now."
        found.append(Problem("no_meter", words, "See to the meter and its leads."))
    celsius = reading.temperatures_c if reading else ()
    if not celsius or not all(map(math.isfinite, celsius)):
        words = "The probes on the cells show no temperature now."
        found.append(Problem("no_live_temperature", words, "See to the logger and its probes."))
        return found
    return found + probe_problems(len(celsius), cells, per_probe)


def _age(
    at: datetime | None, now: datetime, longest: timedelta, code: str, words: str, fix: str
) -> list[Problem]:
    if at is not None and now - at <= longest:
        return []
    hours = longest.total_seconds() / 3600
    last = f"; the last time was {at:%Y-%m-%d %H:%M} UTC" if at else ""
    return [Problem(code, f"{words} in the last {hours:.0f} h{last}.", fix)]
