"""Self-discharge watch: the same resting cells measured twice, days apart.  No output ever on.

Each check is a program of its own: place, measure.  The second judges what every cell lost since
the first against the group's median.  In a model of the cell, sixteen balanced cells that lose
1 to 3 % a month fall by 60 to 140 mV together between the first and the fourth day, one that loses
10 % falls onto the plateau.  Good cells lose 0.3 to 3 % a month, above 5 is suspect, above 10 bad.
[A] "Top Balancing vs Bottom Balancing" sees it "diverge cells within hours"; 2 % a month is 0.02 Ah
of 200 in 4 h, and it is relaxation that moves then: a day of rest comes first, and days between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stations.procedures import looking
from stations.procedures.rules import WatchRule
from stations.procedures.steps import Measure, PlanRefused, Program, Step
from stations.values import NAN, OffProof

NAME = "self-discharge check"
VERSION = "1"
CELLS_MIN = 3  # of two nobody can say which one leaks


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a watch: defaults of a recipe version.

    `_s` seconds of wall time, `_v` volts, `_month` shares of capacity in 30 days.
    """

    gap_min_s: float = 3 * 24 * 3600.0  # 10 % a month is 1 % of charge by then: off the knee
    gap_max_s: float = 31 * 24 * 3600.0  # healthy cells are all on the plateau by then
    rest_min_s: float = 24 * 3600.0  # 8 times the slowest relaxation near full, 3 h
    # Above the median.  5 % is suspect where 2 % is usual; half way from there to 10 %, bad.
    warn_month: float = 0.03
    fail_month: float = 0.04
    observable_share: float = 0.5
    unsure_v: float = 0.002  # one meter within 3 K: 1 mV; and as much for the hysteresis
    hysteresis_v: float = 0.003  # near an end; 2 mV at the very end, 9 mV on the plateau
    plateau_v: float = 0.010  # 9 mV of hysteresis to either side, and the meter
    span_max_s: float = 1800.0  # first to last reading
    temperature_span_k: float = 3.0
    wait_max_s: float = 12 * 3600.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class First:
    """What the first check of the same cells saw; volts by position, wall time."""

    check: int
    volts: tuple[float, ...]
    at: datetime
    temperature_c: float = NAN


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from.  `current_stopped`: the last of these cells, where known."""

    recipe: Recipe
    cells: int
    target_v: float  # of their balance, else the cell's own full voltage
    cell_voltage_max_v: float  # absolute, from the cell's datasheet
    cell_voltage_min_v: float
    current_stopped: OffProof | None = None
    first: First | None = None


def problems(spec: Spec) -> list[str]:
    """Why this spec cannot work; empty means it can be built."""
    found = []
    if spec.cells < CELLS_MIN:
        found.append(
            f"A cell is judged against its group's median; watch at least {CELLS_MIN} together."
        )
    if spec.first is not None and len(spec.first.volts) != spec.cells:
        found.append("The first check was of other cells; begin the watch anew.")
    return found


def program(spec: Spec) -> Program:
    """The steps of one check.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    recipe = spec.recipe
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=spec.target_v,
        steps=_steps(spec),
        limits=looking.limits(
            recipe, low_v=spec.cell_voltage_min_v, high_v=spec.cell_voltage_max_v
        ),
        resume=looking.resume_rule(recipe),
        facts=(
            ("watch_days", recipe.gap_min_s / 86_400),
            ("watch_days_max", recipe.gap_max_s / 86_400),
            ("rest_h", recipe.rest_min_s / 3600),
            ("warn_percent", 100 * recipe.warn_month),
            ("fail_percent", 100 * recipe.fail_month),
            ("first_check", float(spec.first.check) if spec.first else 0.0),
        ),
        current_stopped=spec.current_stopped,
    )


def rule_of(spec: Spec) -> WatchRule:
    recipe, first = spec.recipe, spec.first
    return WatchRule(
        gap_min=timedelta(seconds=recipe.gap_min_s),
        gap_max=timedelta(seconds=recipe.gap_max_s),
        rest_min=timedelta(seconds=recipe.rest_min_s),
        warn_month=recipe.warn_month,
        fail_month=recipe.fail_month,
        observable_share=recipe.observable_share,
        unsure_v=recipe.unsure_v,
        hysteresis_v=recipe.hysteresis_v,
        plateau_v=recipe.plateau_v,
        temperature_span_k=recipe.temperature_span_k,
        before_v=first.volts if first else (),
        before_at=first.at if first else None,
        before_c=first.temperature_c if first else NAN,
        before_check=first.check if first else 0,
    )


def _steps(spec: Spec) -> tuple[Step, ...]:
    recipe = spec.recipe
    since = (
        "since the first check nobody has charged, loaded or linked them"
        if spec.first
        else f"no current has flowed for {recipe.rest_min_s / 3600:.0f} h"
    )
    return (
        looking.place(
            recipe,
            stands=f", and {since}",
            also=", as warm as at the other check",
            confirm="Cells placed, alone and at rest",
        ),
        Measure(
            "watch",
            "Second check of every cell" if spec.first else "First check of every cell",
            rule_of(spec),
            settle_v=0.001,
            timeout=timedelta(seconds=recipe.span_max_s),
        ),
    )
