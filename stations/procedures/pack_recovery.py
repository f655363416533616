"""Mild recovery of an assembled pack (B14): held full while its balancer works, one cycle, read.

The pack stays whole, its own BMS in the minus lead.  Charged at 0.2C or less to N times the
target and held for hours, the balancer takes from the highest cell and gives to the lowest; one
discharge and charge show what is left of the spread, read where millivolts show, at the end of
the second hold.  It is never a balance (M2, G9).  Source: [A] "Top Balancing vs Bottom
Balancing", recovery of a pack with a mild imbalance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stations.procedures import strings
from stations.procedures.criteria import Agreement, Holding, StringEnd
from stations.procedures.drawing import NO_CURRENT, PROVEN_SHARE, TIMER_MARGIN_S
from stations.procedures.handling import torqued
from stations.procedures.planned import in_steps, resume_rule, temperatures
from stations.procedures.rules import LevelRule, RestedRule
from stations.procedures.steps import (
    Discharge,
    Instruct,
    Measure,
    PlanRefused,
    Program,
    SeriesCharge,
    Step,
    Verify,
)
from stations.values import (
    BmsRatings,
    Cutoff,
    Draw,
    Limits,
    LoadRatings,
    Setpoint,
    SupplyRatings,
    Window,
)

NAME = "pack recovery"
VERSION = "2"  # 1 took nothing off
HELD, AGAIN = "hold", "hold-again"
SPREAD_READ = AGAIN  # the step whose record tells what each cell showed


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a mild recovery: defaults of a recipe version, never constants.

    `_c` fields are C-rates of one cell (1/h), `_share` fractions, `_s` seconds, `_v` volts of one
    cell.
    """

    target_v: float = 3.65  # [A] 58.4 V for 16S
    ceiling_min_v: float = 3.50  # [B] section 4: "would not recommend anything lower than 3.5"
    below_bms_v: float = 0.010  # no cell is held nearer to what its BMS opens at
    cell_c_max: float = 0.2  # [A] "0.2C maximum"
    supply_share: float = 0.8
    hold_h: float = 5.0  # [A] 4 to 6 h
    again_h: float = 1.0  # of the second charge, until little current flows
    finish_c: float = 0.03  # as in the parallel balance, from ...
    finish_above_v: float = 3.45  # ... the highest cell on
    cycle_c: float = 0.2  # [A] "discharge the pack normally"
    cycle_share: float = 0.8  # of its charge: [A] packs stay above 20 %
    lowest_v: float = 2.80  # above where a BMS opens for discharge; a low cell ends the cycle
    stop_below_v: float = 0.20
    near_v: float = 0.030
    proven_share: float = 0.01
    gone_s: float = 60.0
    cell_stop_above_v: float = 0.050
    string_stop_above_v: float = 0.025
    ovp_above_v: float = 0.020
    meter_agree_v: float = 0.012
    bms_setting_within_v: float = 0.200  # in service it may open lower or higher than the target
    link_ohm_max: float = 0.0015
    lead_max_ohm: float = 0.050
    temperature_min_degc: float = 0.0
    temperature_max_degc: float = 45.0
    cold_below_degc: float = 10.0
    cold_c: float = 0.1
    wait_max_s: float = 12 * 3600.0
    resume_gap_max_s: float = 3600.0
    resume_rest_s: float = 60.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from: `cells` in series, each `capacity_ah` of cells in parallel.

    `bms_over_v` is what the pack's own BMS opens at, a cell, in service.
    """

    recipe: Recipe
    cells: int
    capacity_ah: float
    cell_voltage_max_v: float
    cell_voltage_min_v: float
    bms_over_v: float
    supply: SupplyRatings
    load: LoadRatings
    bms: BmsRatings | None = None
    torque_nm: float | None = None  # of a nut, from the cell's datasheet; None where unsaid (F7)

    @property
    def ceiling_v(self) -> float:
        """What the highest cell is led to at most."""
        opens_v = self.bms_over_v - self.recipe.below_bms_v
        return round(min(self.recipe.target_v, opens_v), 6)

    @property
    def string_v(self) -> float:
        return round(self.ceiling_v * self.cells, 6)

    @property
    def current_a(self) -> float:
        return strings.charge_a(
            self.recipe, self.supply, string_v=self.string_v, capacity_ah=self.capacity_ah
        )

    @property
    def drawn_a(self) -> float:
        """Of the cycle: its C-rate, within what the load bears at the string's volts."""
        recipe, load = self.recipe, self.load
        most_a = min(load.current_max_a, load.power_max_w / self.string_v)
        limit_a = min(recipe.supply_share * most_a, recipe.cycle_c * self.capacity_ah)
        return in_steps(limit_a, load.current_resolution_a)


def problems(spec: Spec) -> list[str]:
    """Why this cannot work; empty means it can be built."""
    found = []
    if spec.cells not in strings.STRINGS:
        found.append(f"A pack of {spec.cells} cells in series is none that is made here.")
    if not spec.recipe.ceiling_min_v <= spec.ceiling_v <= spec.cell_voltage_max_v:
        found.append(
            f"The cells would be held at {spec.ceiling_v:.3f} V: their BMS opens at "
            f"{spec.bms_over_v:.2f} V and they bear {spec.cell_voltage_max_v:.2f} V; below "
            f"{spec.recipe.ceiling_min_v:.2f} V a balancer has little to see. Set the BMS to "
            "3.65 V for the recovery."
        )
    if spec.string_v > spec.supply.voltage_max_v:
        found.append(
            f"{spec.cells} cells in series need {spec.string_v:.1f} V, {spec.supply.model} has "
            f"{spec.supply.voltage_max_v:.0f} V."
        )
    if spec.string_v > spec.load.voltage_max_v:
        found.append(
            f"The pack has up to {spec.string_v:.1f} V, {spec.load.model} bears "
            f"{spec.load.voltage_max_v:.0f} V."
        )
    if not (spec.current_a > 0 and spec.drawn_a > 0):
        found.append("Supply or load resolve no current as small as 0.2C of this pack.")
    return found


def program(spec: Spec) -> Program:
    """The steps of one recovery.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=spec.ceiling_v,
        steps=_steps(spec),
        limits=_limits(spec),
        resume=resume_rule(spec.recipe),
        facts=(
            ("current_a", spec.current_a),
            ("string_v", spec.string_v),
            ("cycle_a", spec.drawn_a),
            ("hold_h", spec.recipe.hold_h),
            ("cell_ah", spec.capacity_ah),
        ),
    )


def _steps(spec: Spec) -> tuple[Step, ...]:
    recipe, wait = spec.recipe, timedelta(seconds=spec.recipe.wait_max_s)
    window = Window(spec.cell_voltage_min_v, spec.ceiling_v + recipe.cell_stop_above_v)
    hours = f"{recipe.hold_h:g} h"
    # Below what the guardian bears it would trip with the first current, and make them suspect.
    lowest_v = max(spec.cell_voltage_min_v, _floor_v(spec) / spec.cells)
    return (
        Instruct(
            "connect",
            "Connect the pack",
            "Rings and watches off, insulated tools. The pack whole, its own BMS in it, off its "
            "inverter. Leads of supply and load on its terminals, plus to plus and minus to minus; "
            "the meter's wires on the first cell's minus and the last one's plus. Check polarity "
            f"twice. {torqued(spec.torque_nm)} The output is off.",
            "The pack is connected, nuts torqued, polarity checked",
            drawing="pack",
            timeout=wait,
        ),
        Measure(
            "rested",
            "Measure every cell of the pack",
            RestedRule(Window(lowest_v, spec.ceiling_v + recipe.near_v), spec.capacity_ah),
        ),
        _verify(spec, "string"),
        _hold(spec, HELD, f"Charge to {spec.string_v:.1f} V and hold for {hours}", recipe.hold_h),
        _verify(spec, "string-full"),
        _discharge(spec),
        _verify(spec, "string-low"),
        _hold(spec, AGAIN, "Charge again, and read the spread", recipe.again_h),
        Measure("recovered", "Measure every cell once more, output off", LevelRule(window)),
        Instruct(
            "unlink",
            "Take the pack off the bench",
            "The output is off and every cell is measured. Leads of supply and load off its "
            "terminals, then the meter's wires; covers on the terminals. The pack stays whole.",
            "Leads and meter are off",
            drawing="pack-off",
            timeout=wait,
        ),
    )


def _verify(spec: Spec, name: str) -> Verify:
    recipe = spec.recipe
    reads = spec.bms is not None and spec.bms.tells_setting
    low_v = spec.bms_over_v - recipe.bms_setting_within_v
    window = Window(low_v, spec.bms_over_v + recipe.bms_setting_within_v)
    return strings.verify(
        recipe,
        name,
        "See that the meter is on the whole pack",
        cells=spec.cells,
        bms_over=window if reads else None,
    )


def _hold(spec: Spec, name: str, title: str, hours: float) -> SeriesCharge:
    recipe, step_a = spec.recipe, spec.supply.current_resolution_a
    finish_a = in_steps(min(spec.current_a, recipe.finish_c * spec.capacity_ah), step_a)
    return strings.charge(
        recipe,
        spec.supply,
        name,
        title,
        cells=spec.cells,
        setpoint=Setpoint(spec.string_v, spec.current_a),
        target_v=spec.ceiling_v,
        tail_a=step_a,
        charge_max_ah=1.1 * spec.capacity_ah,
        timeout=timedelta(hours=_fill_hours(spec) + 1.2 * hours),
        near_v=recipe.near_v,
        hold=Holding(
            lasts=timedelta(hours=hours),
            step_v=spec.supply.voltage_resolution_v,
            finish_above_v=recipe.finish_above_v,
            finish_current_a=finish_a,
        ),
    )


def _fill_hours(spec: Spec) -> float:
    """From empty, the last twentieth at the finishing current."""
    finish_a = min(spec.current_a, spec.recipe.finish_c * spec.capacity_ah)
    return 1.1 * spec.capacity_ah / spec.current_a + 0.05 * spec.capacity_ah / finish_a


def _discharge(spec: Spec) -> Discharge:
    recipe, cells, amps = spec.recipe, spec.cells, spec.drawn_a
    hours, floor_v = _cycle_hours(spec), _floor_v(spec)
    own_v = round(floor_v - recipe.lead_max_ohm * amps, 3)
    return Discharge(
        "cycle",
        f"Discharge {recipe.cycle_share:.0%} of the pack",
        draw=Draw(amps, Cutoff(own_v, int(3600 * hours + TIMER_MARGIN_S))),
        cutoff_v=round(recipe.lowest_v * cells, 6),
        cutoff_samples=2,
        proven_on_a=PROVEN_SHARE * amps,
        no_current_for=NO_CURRENT,
        draw_max_ah=1.1 * spec.capacity_ah,
        timeout=timedelta(hours=hours),
        agreement=Agreement(
            cells_v=recipe.meter_agree_v,
            supply_v=spec.load.voltage_accuracy_v + recipe.meter_agree_v * cells,
            lead_max_ohm=recipe.lead_max_ohm,
        ),
        string=StringEnd(
            lowest_v=recipe.lowest_v,
            enough_ah=recipe.cycle_share * spec.capacity_ah,
            link_max_ohm=recipe.link_ohm_max * cells,
        ),
    )


def _cycle_hours(spec: Spec) -> float:
    """As long as a pack of a fifth more than its rating, within what the load times itself."""
    timed_h = (spec.load.duration_max_s - TIMER_MARGIN_S) / 3600
    return min(1.2 * spec.capacity_ah / spec.drawn_a, timed_h)


def _floor_v(spec: Spec) -> float:
    return round((spec.recipe.lowest_v - spec.recipe.stop_below_v) * spec.cells, 6)


def _limits(spec: Spec) -> Limits:
    recipe, cells = spec.recipe, spec.cells
    hours = 2 * _fill_hours(spec) + 1.2 * (recipe.hold_h + recipe.again_h) + _cycle_hours(spec)
    return Limits(
        bank_voltage_max_v=round(spec.string_v + recipe.string_stop_above_v * cells, 6),
        bank_voltage_min_v=_floor_v(spec),
        cell_voltage_max_v=round(spec.ceiling_v + recipe.cell_stop_above_v, 6),
        cell_voltage_min_v=round(recipe.lowest_v - recipe.stop_below_v, 6),
        current_max_a=1.05 * spec.current_a + 5 * spec.supply.current_resolution_a,
        setpoint_voltage_max_v=spec.string_v,
        duration_max_s=3600 * hours + 4 * recipe.wait_max_s,
        charge_max_ah=2.2 * spec.capacity_ah,
        drawn_max_a=1.05 * spec.drawn_a + 5 * spec.load.current_resolution_a,
        drawn_max_ah=1.2 * spec.capacity_ah,
        series_cells=cells,
        **temperatures(recipe, spec.capacity_ah),
    )
