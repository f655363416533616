"""Bottom balance (requirement B9): each cell alone to one empty voltage, then compared at rest.

Source: [A] "Top Balancing vs Bottom Balancing": 0.2C to 2.50 V, 30 min rest, all within 10 mV.
After a plain 0.2C cut-off an LFP cell rebounds by 0.3 V within 30 min, with 40 mV of scatter, so
the default tapers: 0.2C, 0.05C, 0.01C, each to 2.50 V, rests at 2.55 V within a few millivolts.
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
        return (self.first_c, self.second_c, self.third_c) if self.tapers else (self.first_c,)

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
    recipe, last_a = spec.recipe, spec.drawing.current_a(spec.recipe.rates_c[-1])
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
        *(
            spec.drawing.step(
                f"empty-{cell}-{number}",
                f"Empty cell {cell} at {c_rate:g}C",
                c_rate,
                cell=cell,
                tail_a=last_a,
                hours_max=hours_max,
            )
            for number, (c_rate, hours_max) in enumerate(_rates(spec), start=1)
        ),
        Rest(f"rest-{cell}", f"Rest of cell {cell}", timedelta(seconds=recipe.rest_s), cell=cell),
        leads_off(wait, cell=cell),
    ]


def _rates(spec: Spec) -> list[tuple[float, float]]:
    """Each C-rate, and the hours that it may take."""
    first, *later = spec.recipe.rates_c
    taper_h = spec.recipe.taper_max_s / 3600
    return [(first, spec.drawing.hours_max(first)), *((c_rate, taper_h) for c_rate in later)]


def _limits(spec: Spec) -> Limits:
    recipe, drawing = spec.recipe, spec.drawing
    longest_h = sum(hours_max for _, hours_max in _rates(spec))
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
