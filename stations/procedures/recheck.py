"""Elapsed-time re-check of resting cells (requirement B8).  No output is ever enabled.

Hours after current stopped a healthy LFP cell rests anywhere between 3.37 and 3.61 V, so its
own voltage says little; a cell that leaks falls behind its neighbours.  Every cell is measured
at the same age, alone and unloaded, by one scanner, and judged against the median of the cells
that it was balanced with.  Sources: [A] "Top Balancing vs Bottom Balancing" asks for a check
before assembly when hours have passed; the limits come from the cell's relaxation and
self-discharge, as each field says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

from stations.procedures import looking
from stations.procedures.judge import recheck_below_v
from stations.procedures.rules import RecheckRule
from stations.procedures.steps import Measure, PlanRefused, Program, Step
from stations.values import OffProof

NAME = "re-check"
VERSION = "2"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a re-check: defaults of a recipe version.  `_s` seconds, `_v` volts.

    Sixteen healthy cells with scattered self-discharge (1-3 % a month) spread over 17-23 mV
    after 4 h and 54-57 mV after 24 h in a model of the cell; one that loses 30 % a month is
    about 100 mV low after 4 h, one that loses 10 % about 130 mV after 24 h.
    """

    early_s: float = 4 * 3600.0
    early_warn_v: float = 0.040
    early_fail_v: float = 0.080
    late_s: float = 24 * 3600.0
    late_warn_v: float = 0.060
    late_fail_v: float = 0.100
    floor_v: float = 3.34  # rest voltage at about 92 %: no full healthy cell rests below
    # B9: of emptied cells, both ways.  There 0.1 % of charge is 30 mV, so a voltage tells it well:
    # sixteen healthy cells lie within 7 mV after 4 h and 29 mV after 24 h, up to 20 mV more where
    # their ages are hours apart; a leak of 30 % a month shows after 4 h, one of 10 % after 24 h.
    empty_early_warn_v: float = 0.015
    empty_early_fail_v: float = 0.030
    empty_late_warn_v: float = 0.030
    empty_late_fail_v: float = 0.060
    empty_floor_v: float = 2.50  # the makers' limit; a healthy cell leaks below it in two days
    single_more_v: float = 0.030  # to each, after a single step: half of what that leaves
    taper_c_max: float = 0.02  # a balance that was done at more was a single step
    span_max_s: float = 1800.0  # first to last reading: all cells at one age
    temperature_span_k: float = 3.0  # 0.2 mV/K of OCV, but relaxation halves in some 15 K
    wait_max_s: float = 12 * 3600.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from: the recipe, and what the cells' last balances left.

    `banks` by position: cells of one number were balanced together.  `current_stopped` is the
    oldest of those balances.
    """

    recipe: Recipe
    banks: tuple[int, ...]
    target_v: float  # of the balances
    current_stopped: OffProof
    cell_voltage_max_v: float  # absolute, from the cell's datasheet
    cell_voltage_min_v: float
    empty: bool = False  # the balances were bottom balances ...
    tapered: bool = True  # ... that ended at a small current

    @property
    def floor_v(self) -> float:
        return self.recipe.empty_floor_v if self.empty else self.recipe.floor_v


def problems(spec: Spec) -> list[str]:
    """Why this spec cannot work; empty means it can be built."""
    recipe, found = spec.recipe, []
    alone = [number for number, cells in Counter(spec.banks).items() if cells < 2]
    again = "empty it again with one" if spec.empty else "recharge it if it was charged alone"
    for number in alone:
        position = spec.banks.index(number) + 1
        found.append(
            f"Cell {position} is the only one of its bank here, and a cell is judged against its "
            f"neighbours; add the cells that it was balanced with, or {again}."
        )
    if not spec.banks:
        found.append("There is no cell to check.")
    if not spec.empty and not recipe.floor_v < spec.target_v:
        found.append(
            f"The floor of {recipe.floor_v:.2f} V is not below the balance's target of "
            f"{spec.target_v:.2f} V; lower the floor."
        )
    return found


def program(spec: Spec) -> Program:
    """The steps of one re-check.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    rule = _rule(spec)
    early, late = recheck_below_v(rule, rule.early), recheck_below_v(rule, rule.late)
    return Program(
        name=NAME,
        version=VERSION,
        cells=len(spec.banks),
        target_v=spec.target_v,
        steps=_steps(spec, rule),
        limits=looking.limits(
            spec.recipe, low_v=spec.cell_voltage_min_v, high_v=spec.cell_voltage_max_v
        ),
        resume=looking.resume_rule(spec.recipe),
        facts=(  # `_warn_v`, `_fail_v`: against the median of the bank
            ("early_h", spec.recipe.early_s / 3600),
            ("early_warn_v", -early[0]),
            ("early_fail_v", -early[1]),
            ("late_h", spec.recipe.late_s / 3600),
            ("late_warn_v", -late[0]),
            ("late_fail_v", -late[1]),
            ("floor_v", rule.floor_v),
            ("empty", float(spec.empty)),
            ("banks", float(len(set(spec.banks)))),
        ),
        current_stopped=spec.current_stopped,
    )


def _rule(spec: Spec) -> RecheckRule:
    recipe = spec.recipe
    full = RecheckRule(
        early=timedelta(seconds=recipe.early_s),
        early_warn_v=recipe.early_warn_v,
        early_fail_v=recipe.early_fail_v,
        late=timedelta(seconds=recipe.late_s),
        late_warn_v=recipe.late_warn_v,
        late_fail_v=recipe.late_fail_v,
        floor_v=spec.floor_v,
        banks=spec.banks,
        temperature_span_k=recipe.temperature_span_k,
    )
    if not spec.empty:
        return full
    more_v = 0.0 if spec.tapered else recipe.single_more_v
    return replace(
        full,
        early_warn_v=recipe.empty_early_warn_v + more_v,
        early_fail_v=recipe.empty_early_fail_v + more_v,
        late_warn_v=recipe.empty_late_warn_v + more_v,
        late_fail_v=recipe.empty_late_fail_v + more_v,
        both_ways=True,
    )


def _steps(spec: Spec, rule: RecheckRule) -> tuple[Step, ...]:
    recipe = spec.recipe
    return (
        looking.place(
            recipe,
            stands=". All are read by one scanner",
            also="",
            confirm="Cells placed, alone and alike warm",
        ),
        Measure(
            "recheck",
            "Re-check of every cell",
            rule,
            timeout=timedelta(seconds=recipe.span_max_s),
        ),
    )
