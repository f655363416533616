"""Bottom balance (requirement B9): each cell alone to one empty voltage, then compared at rest.

Source: [A] "Top Balancing vs Bottom Balancing": 0.2C to 2.50 V, 30 min rest, all within 10 mV.
After a plain 0.2C cut-off an LFP cell rebounds by 0.3 V within 30 min, with 40 mV of scatter, so
the default tapers: 0.2C, 0.05C, 0.01C, each to 2.50 V, rests at 2.55 V within a few millivolts.
Or after 0.2C the load holds 2.50 V (CV) until 0.005C: modelled, that rests at 2.57 V within 7 mV.
The single step stays selectable and is judged by a window of its own.  Every cell is read at
the same age, by the one meter that hung on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stations.procedures.drawing import Drawing
from stations.procedures.handling import leads_off, torqued
from stations.procedures.looking import NO_CURRENT_A, NO_VOLTAGE_V
from stations.procedures.planned import resume_rule
from stations.procedures.rules import BottomRule, RestedRule
from stations.procedures.steps import (
    Compare,
    Discharge,
    Instruct,
    Measure,
    PlanRefused,
    Program,
    Rest,
    Step,
    Verify,
)
from stations.values import CELL_CEILING_V, Limits, LoadRatings, Window

NAME = "bottom balance"
# 1 did not measure every cell first, nor say when each one's current stopped; 2 took nothing off.
VERSION = "3"


STEPS, CV = "steps", "cv"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a bottom balance: defaults of a recipe version.

    `_c` fields are C-rates (1/h), `_s` seconds, `_v` volts.
    """

    target_v: float = 2.50  # [A]
    first_c: float = 0.2  # [A] 40 A for 200 Ah
    second_c: float = 0.05
    third_c: float = 0.01
    tapers: bool = True  # false: the single step of [A]
    finish: str = STEPS  # what comes after the first current: STEPS or CV
    hold_end_c: float = 0.005  # the hold ends at it: 1 A for 200 Ah
    # The hold lies above the target, for a load that reads high: 0.05 % + 0.02 % of 18 V, the lower
    # range of a BK 8514, are 5 mV.  What the meter sees below the target ends it.
    hold_above_v: float = 0.005
    # Of each current after the first: a cell gives it half an hour, twice that when it is cold.
    taper_max_s: float = 4 * 3600.0
    rest_s: float = 1800.0  # [A]
    rest_late_s: float = 2100.0  # a longer rest (an interruption) shows 2 mV more, after 45 min 5
    spread_max_v: float = 0.010  # [A]
    mean_low_v: float = 2.50
    mean_high_v: float = 2.65
    single_spread_max_v: float = 0.060  # what a plain cut-off leaves by physics
    single_mean_low_v: float = 2.70
    single_mean_high_v: float = 2.95
    # Where a cell comes from shows in where it rests: from 7 to 50 % full within 7 mV of each
    # other, from 3 % 30 mV higher.  3.15 V is 7 %.
    start_low_v: float = 3.15
    # By its leak a healthy cell is below 2.50 V after two days: the first one waits for the last.
    empty_max_s: float = 24 * 3600.0
    cutoff_samples: int = 2
    stop_below_v: float = 0.10
    meter_agree_v: float = 0.010
    load_lead_max_ohm: float = 0.010
    verify_cells_v: float = 0.030
    wait_max_s: float = 12 * 3600.0
    resume_gap_max_s: float = 3600.0
    resume_rest_s: float = 60.0
    resume_attempts_max: int = 3

    @property
    def rates_c(self) -> tuple[float, ...]:
        """Of the constant currents, in turn."""
        steps = self.tapers and self.finish == STEPS
        return (self.first_c, self.second_c, self.third_c) if steps else (self.first_c,)

    @property
    def rule(self) -> BottomRule:
        late = timedelta(seconds=self.rest_late_s)
        if self.tapers:
            return BottomRule(self.spread_max_v, Window(self.mean_low_v, self.mean_high_v), late)
        mean = Window(self.single_mean_low_v, self.single_mean_high_v)
        return BottomRule(self.single_spread_max_v, mean, late)


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from: the recipe, the cells and the load."""

    recipe: Recipe
    cells: int
    capacity_ah: float  # rated, of one cell
    cell_voltage_max_v: float  # from the cell's datasheet
    cell_voltage_min_v: float
    load: LoadRatings
    torque_nm: float | None = None  # of a nut, from the cell's datasheet; None where unsaid (F7)

    @property
    def drawing(self) -> Drawing:
        cutoff_v = self.recipe.target_v
        return Drawing.of(self.recipe, cutoff_v, capacity_ah=self.capacity_ah, load=self.load)


def problems(spec: Spec) -> list[str]:
    """Why this spec cannot work; empty means it can be built."""
    found = []
    if not spec.cell_voltage_min_v <= spec.recipe.target_v:
        found.append(
            f"Target {spec.recipe.target_v:.2f} V is below the cell's own limit of "
            f"{spec.cell_voltage_min_v:.2f} V; raise the target."
        )
    if spec.recipe.finish not in (STEPS, CV):
        found.append(f"Finish {spec.recipe.finish!r} is not known; choose {STEPS!r} or {CV!r}.")
    if spec.recipe.finish == CV and not spec.recipe.tapers:
        found.append(
            f"The single step ends at the first current, and finish {CV!r} goes on after it; set "
            f"tapers to yes, or finish to {STEPS!r}."
        )
    return found


def program(spec: Spec) -> Program:
    """The steps of one bottom balance.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    recipe, drawing = spec.recipe, spec.drawing
    cells = range(1, spec.cells + 1)
    *steps, last_off = (step for cell in cells for step in _steps_of(spec, cell))
    compare = Compare("compare", "Compare the rested cells", recipe.rule)
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=recipe.target_v,
        steps=(_rested(spec), *steps, compare, last_off),
        limits=_limits(spec),
        resume=resume_rule(recipe),
        facts=(
            ("cells", float(spec.cells)),
            *((f"discharge_{n}_a", drawing.current_a(c)) for n, c in enumerate(recipe.rates_c, 1)),
            *_hold_facts(spec),
            ("cutoff_v", recipe.target_v),
            ("spread_max_v", recipe.rule.spread_max_v),
            ("mean_low_v", recipe.rule.mean.low),
            ("mean_high_v", recipe.rule.mean.high),
            ("rest_h", recipe.rest_s / 3600),
            ("empty_max_h", recipe.empty_max_s / 3600),
        ),
    )


def _rested(spec: Spec) -> Measure:
    """Before any current: what is reversed, or below its own limit already, is not drawn from."""
    allowed = Window(spec.cell_voltage_min_v, spec.cell_voltage_max_v)
    return Measure(
        "rested",
        "Measure every cell before any is emptied",
        RestedRule(allowed, spec.capacity_ah, spec.recipe.start_low_v),
    )


def _steps_of(spec: Spec, cell: int) -> list[Step]:
    wait = timedelta(seconds=spec.recipe.wait_max_s)
    recipe = spec.recipe
    return [
        Instruct(
            f"connect-{cell}",
            f"Connect cell {cell} alone",
            "Rings and watches off, insulated tools. No link on any cell. The leads of the load "
            f"go on cell {cell}, plus to plus and minus to minus, and the meter's wires on its "
            f"posts. The scanner's wires {cell} stay on it. {torqued(spec.torque_nm)} "
            "The output is off.",
            f"Leads and meter are on cell {cell}, nuts torqued, polarity checked",
            drawing="single",
            timeout=wait,
        ),
        Verify(
            f"connected-{cell}",
            f"See that the leads are on cell {cell}",
            margin_v=0.0,
            cells_within_v=recipe.verify_cells_v,
            voltage=Window(spec.drawing.floor_v, spec.cell_voltage_max_v),
            cell=cell,
        ),
        *_emptied(spec, cell),
        Rest(f"rest-{cell}", f"Rest of cell {cell}", timedelta(seconds=recipe.rest_s), cell=cell),
        leads_off(wait, cell=cell),
    ]


def _emptied(spec: Spec, cell: int) -> list[Discharge]:
    """Its constant currents in turn, then the hold where the recipe finishes by that."""
    recipe, drawing = spec.recipe, spec.drawing
    holds = recipe.finish == CV
    tail_a = drawing.current_a(recipe.hold_end_c if holds else recipe.rates_c[-1])
    steps = [
        drawing.step(
            f"empty-{cell}-{number}",
            f"Empty cell {cell} at {c_rate:g}C",
            c_rate,
            cell=cell,
            tail_a=tail_a,
            hours_max=hours_max,
        )
        for number, (c_rate, hours_max) in enumerate(_rates(spec), start=1)
    ]
    return [*steps, _hold(spec, cell)] if holds else steps


def _hold(spec: Spec, cell: int) -> Discharge:
    recipe = spec.recipe
    return spec.drawing.hold(
        f"empty-{cell}-{len(recipe.rates_c) + 1}",
        f"Hold cell {cell} at the cut-off until {recipe.hold_end_c:g}C",
        recipe.first_c,
        above_v=recipe.hold_above_v,
        end_c=recipe.hold_end_c,
        cell=cell,
        hours_max=recipe.taper_max_s / 3600,
    )


def _hold_facts(spec: Spec) -> list[tuple[str, float]]:
    if spec.recipe.finish != CV:
        return []
    hold = _hold(spec, 1)
    return [("cv_hold_v", hold.draw.cutoff.voltage_v), ("cv_end_a", hold.tail_a)]


def _rates(spec: Spec) -> list[tuple[float, float]]:
    """Each C-rate, and the hours that it may take."""
    first, *later = spec.recipe.rates_c
    taper_h = spec.recipe.taper_max_s / 3600
    return [(first, spec.drawing.hours_max(first)), *((c_rate, taper_h) for c_rate in later)]


def _limits(spec: Spec) -> Limits:
    recipe, drawing = spec.recipe, spec.drawing
    longest_h = sum(hours_max for _, hours_max in _rates(spec))
    if recipe.finish == CV:
        longest_h += recipe.taper_max_s / 3600
    high_v = min(spec.cell_voltage_max_v + 0.05, CELL_CEILING_V)  # cells on the table may be full
    return Limits(
        bank_voltage_max_v=high_v,
        bank_voltage_min_v=drawing.floor_v,
        cell_voltage_max_v=high_v,
        cell_voltage_min_v=drawing.floor_v,
        current_max_a=NO_CURRENT_A,
        setpoint_voltage_max_v=NO_VOLTAGE_V,
        duration_max_s=spec.cells * (3600 * longest_h + recipe.rest_s + 2 * recipe.wait_max_s),
        charge_max_ah=0.1 * spec.capacity_ah,  # what an idle supply's ammeter may add up to
        drawn_max_a=drawing.limit_a(max(recipe.rates_c)),
        drawn_max_ah=1.25 * spec.cells * spec.capacity_ah,
    )
