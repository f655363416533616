"""Pre-charge of cells in series behind a BMS, before they are balanced in parallel (B10).

A bench supply that is slow on a parallel bank fills a string N times as fast.  The string is
charged to N times the target and stops when its first cell is full or the BMS opens; the others
are not full then, so this is never a balance (M2, G9).  Source: [B] "Top Balancing LiFePo4 Cells
using a low cost 10A benchtop power supply", section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stations.procedures import loose, strings
from stations.procedures.handling import torqued
from stations.procedures.planned import resume_rule
from stations.procedures.rules import LevelRule, ParallelRule, RestedRule
from stations.procedures.steps import (
    Instruct,
    Measure,
    PlanRefused,
    Program,
    Rest,
    SeriesCharge,
    Step,
)
from stations.values import BmsRatings, Limits, Setpoint, Window

NAME = "series pre-charge"
VERSION = "2"  # 1 left the string built
WAIT_FOR_REST = timedelta(hours=1)  # beyond the rest itself


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a series pre-charge: defaults of a recipe version, never constants.

    `_c` fields are C-rates of one cell (1/h), `_share` fractions, `_s` seconds, `_v` volts of one
    cell.
    """

    target_v: float = 3.65  # [B] 3.2, as the BMS is set; "3.6V for 3.6v top balance"
    target_min_v: float = 3.50  # [B] section 4: "would not recommend anything lower than 3.5"
    cell_c_max: float = 0.2  # [B] 3.3: ".2 C or less"
    supply_share: float = 0.8  # [B] appendix B, "not to burn it out"
    bms_setting_within_v: float = 0.005  # the BMS stores whole millivolts, apps show hundredths
    # What a BMS is off by at a cell (JBD: 5 to 10 mV), and how far a cell falls back meanwhile.
    near_v: float = 0.030
    tail_c: float = 0.02  # a string at its set-point that takes less is as full as it gets
    proven_share: float = 0.01  # of the set current; less is none
    gone_s: float = 30.0
    cell_stop_above_v: float = 0.050  # as in the parallel balance
    string_stop_above_v: float = 0.025  # of each cell, all together at the string's meter
    ovp_above_v: float = 0.020  # of each cell, likewise at the supply
    meter_agree_v: float = 0.012  # of each cell: what a BMS may be off, and the meter
    link_ohm_max: float = 0.0015  # of each link; 27 mV at 18 A, and hot soon
    lead_max_ohm: float = 0.050  # both leads, and the BMS with its shunt
    # As in the parallel balance: cell makers' sheets, and 0.1C below 10 °C (Alpha APL).
    temperature_min_degc: float = 0.0
    temperature_max_degc: float = 45.0
    cold_below_degc: float = 10.0
    cold_c: float = 0.1
    # [B] section 3, note 1: "put them in parallel overnight"; 0: none.
    parallel_rest_h: float = 0.0
    parallel_spread_max_v: float = 0.15  # [B] 4.1
    parallel_level_max_v: float = 0.30
    parallel_peak_warn_c: float = 0.5
    parallel_peak_max_c: float = 1.0  # cell makers' charge limit
    link_ohm: float = 0.0003  # assumed until measured, for the predicted surge
    wait_max_s: float = 12 * 3600.0
    resume_gap_max_s: float = 3600.0
    resume_rest_s: float = 60.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class Spec(loose.Spec):
    """What one program is built from; `bms` is the one on a wire of this bench, if any."""

    recipe: Recipe
    cell_r_ohm: float
    bms: BmsRatings | None = None
    has_scanner: bool = True


def problems(spec: Spec) -> list[str]:
    """Why this cannot work; empty means it can be built."""
    found = loose.problems(spec)
    if spec.recipe.parallel_rest_h > 0 and not spec.has_scanner:
        found.append(
            "Before cells rest in parallel each is measured alone, which takes a scanner; use a "
            "station with one, or set parallel_rest_h to 0."
        )
    return found


def program(spec: Spec) -> Program:
    """The steps of one series pre-charge.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=spec.recipe.target_v,
        steps=(*_parallel_rest(spec), *_string(spec), charge(spec), *_after(spec)),
        limits=hard_limits(spec),
        resume=resume_rule(spec.recipe),
        facts=spec.facts,
    )


def _parallel_rest(spec: Spec) -> tuple[Step, ...]:
    recipe = spec.recipe
    if not recipe.parallel_rest_h > 0:
        return ()
    rule = ParallelRule(
        spread_max_v=recipe.parallel_spread_max_v,
        level_max_v=recipe.parallel_level_max_v,
        voltage=Window(spec.cell_voltage_min_v, recipe.target_v),
        peak_warn_c=recipe.parallel_peak_warn_c,
        peak_max_c=recipe.parallel_peak_max_c,
        path_ohm=spec.cell_r_ohm + recipe.link_ohm,
        capacity_ah=spec.capacity_ah,
    )
    wait = timedelta(seconds=recipe.wait_max_s)
    return (
        Measure("pre-parallel", "Measure every cell before joining them", rule),
        Instruct(
            "join",
            "Join the cells in parallel, without leads",
            "Rings and watches off, insulated tools. Link plus to plus and minus to minus for all "
            f"{spec.cells} cells; the meter on cell {spec.cells}. {torqued(spec.torque_nm)} "
            "No lead goes on.",
            "The cells are linked, nuts torqued",
            drawing="diagonal",
            timeout=wait,
        ),
        Rest("overnight", "Rest in parallel", timedelta(hours=recipe.parallel_rest_h)),
        Instruct(
            "part",
            "Take the links off",
            "Every link off, so that each cell stands alone.",
            "All links are off",
            drawing="unlinked",
            timeout=wait,
        ),
    )


def _string(spec: Spec) -> tuple[Step, ...]:
    """The string is built, its BMS is set, and every cell is seen before any current."""
    recipe = spec.recipe
    reads = spec.bms is not None and spec.bms.tells_setting
    return (
        loose.assemble(spec, typed=not reads),
        Measure(
            "rested",
            "Measure every cell in the string",
            RestedRule(Window(spec.cell_voltage_min_v, recipe.target_v), spec.capacity_ah),
        ),
        strings.verify(
            recipe,
            "string",
            "See that the meter is on the whole string",
            cells=spec.cells,
            bms_over=spec.bms_over if reads else None,
        ),
    )


def charge(spec: Spec) -> SeriesCharge:
    recipe = spec.recipe
    return strings.charge(
        recipe,
        spec.supply,
        "precharge",
        f"Charge the string to {spec.string_v:.1f} V, until its first cell is full",
        cells=spec.cells,
        setpoint=Setpoint(spec.string_v, spec.current_a),
        target_v=recipe.target_v,
        tail_a=recipe.tail_c * spec.capacity_ah,
        charge_max_ah=1.05 * spec.capacity_ah,
        timeout=timedelta(hours=hours_max(spec)),
        near_v=recipe.near_v,
    )


def hours_max(spec: Spec) -> float:
    """From empty at the set current, and as long again as a tenth of that for the end."""
    return 1.2 * spec.capacity_ah / spec.current_a


def _after(spec: Spec) -> tuple[Step, ...]:
    window = Window(spec.cell_voltage_min_v, spec.recipe.target_v + spec.recipe.cell_stop_above_v)
    return (
        Measure("precharged", "Measure every cell once more, output off", LevelRule(window)),
        loose.apart(spec),
    )


def hard_limits(spec: Spec) -> Limits:
    recipe = spec.recipe
    return loose.limits(
        spec,
        cell_voltage_max_v=recipe.target_v + recipe.cell_stop_above_v,
        duration_max_s=3600 * hours_max(spec) + 3600 * recipe.parallel_rest_h,
    )
