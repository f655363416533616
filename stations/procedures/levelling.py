"""Levelling low cells up to the high ones before all are joined (requirement B3).

The low cells are a bank of their own, or one cell alone, and are charged at the held voltage at
which the high ones rest, until little current flows; then each is measured.  It is no balance:
on the plateau of LFP 10 mV can be 20 % of charge.  Sources: [B] "Top Balancing LiFePo4 Cells
using a low cost 10A benchtop power supply", section 4: bring the low cells up before the cells
are wired in parallel; tail and windows follow from the cell's resistance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from stations.procedures import top_balance
from stations.procedures.handling import torqued
from stations.procedures.planned import resume_rule
from stations.procedures.rules import LevelRule
from stations.procedures.steps import Charge, Instruct, Measure, PlanRefused, Program, Verify
from stations.values import Window

NAME = "levelling"
VERSION = "3"


@dataclass(frozen=True, slots=True)
class Recipe(top_balance.Recipe):
    """The numbers of a parallel top balance; the target is where the high cells rest.

    On the plateau a cell takes what leads of 5 mohm let through at some 10 to 50 mV: hours at a
    held voltage, which is no flat tail.
    """

    target_v: float = 3.30
    target_min_v: float = 2.80
    done_c: float = 0.005  # 1 A for 200 Ah: 1 mV through the cell
    partial_c: float = 0.01
    cv_min_s: float = 0.0
    cv_max_s: float = 96 * 3600.0
    flat_for_s: float = 96 * 3600.0
    finish_above_v: float = 3.65  # never: there is no knee below
    above_v: float = 0.020
    levelled_below_v: float = 0.050  # of 150 mV that may be joined


def program(spec: top_balance.Spec, recipe: Recipe) -> Program:
    """The steps of one levelling.  Raises PlanRefused naming every reason.

    `spec.recipe` is `recipe`; `spec.cells` are the low ones, one or more.
    """
    found = top_balance.charging_problems(spec)
    if found:
        raise PlanRefused(found)
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=recipe.target_v,
        steps=_steps(spec, recipe),
        limits=top_balance.hard_limits(spec),
        resume=resume_rule(recipe),
        facts=top_balance.facts(spec),
    )


def _steps(
    spec: top_balance.Spec, recipe: Recipe
) -> tuple[Measure, Instruct, Verify, Charge, Instruct, Measure]:
    wait, alone = timedelta(seconds=recipe.wait_max_s), spec.cells == 1
    high_v = round(recipe.target_v + recipe.above_v, 6)
    low_v = round(recipe.target_v - recipe.levelled_below_v, 6)
    charge = top_balance.charge(
        spec, "level", f"Charge up to {recipe.target_v:.3f} V", recipe.cv_min_s, first=True
    )
    return (
        Measure("pre-parallel", "Measure the low cells", top_balance.parallel_rule(spec)),
        Instruct(
            "connect",
            "Connect the low cell alone" if alone else "Join the low cells, and no other",
            "Rings and watches off, insulated tools, other posts covered. "
            + (
                "No link on it. Leads and bank meter on the posts of this cell."
                if alone
                else f"Link plus to plus and minus to minus for these {spec.cells} cells alone. "
                f"Positive lead to cell 1, negative lead and bank meter to cell {spec.cells}."
            )
            + f" {torqued(spec.torque_nm)} The output is off.",
            "Leads and meter are on, nuts torqued, polarity checked",
            drawing="single" if alone else "diagonal",
            timeout=wait,
        ),
        top_balance.verify(spec, "joined", "See that these are the low cells", first=True),
        replace(charge, hold_for="", stage=True),
        Instruct(
            "unlink",
            "Take the leads off" if alone else "Take the leads and links off",
            "The output is off. Leads off first, then every link, so that each cell stands alone.",
            "All is off",
            drawing="unlinked",
            timeout=wait,
        ),
        Measure("levelled", "Measure what was levelled", LevelRule(Window(low_v, high_v))),
    )
