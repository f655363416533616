"""Capacity test of one cell (requirement B16): charge, rest, discharge at rated C to cut-off.

The cell is charged CC/CV to full, rests, and gives a constant current until the meter at its
posts has seen the cut-off; what came out is integrated in Ah and Wh.  Source: [A] "Top Balancing
vs Bottom Balancing" asks for matched capacities and for the test at rated C; where a number is
a cell maker's habit the field says so.  The discharge is never resumed: an interpolated capacity
is not evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stations.procedures.criteria import Agreement, Tail, Trim
from stations.procedures.drawing import Drawing
from stations.procedures.handling import leads_off, torqued
from stations.procedures.planned import in_steps, protection, resume_rule, temperatures
from stations.procedures.steps import Charge, Instruct, PlanRefused, Program, Rest, Step, Verify
from stations.values import Limits, LoadRatings, Setpoint, SupplyRatings, Window

NAME = "capacity test"
VERSION = "3"  # 2 took nothing off
PLACE = 1  # of the cell on a scanner that sees others beside it


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a capacity test: defaults of a recipe version.

    `_c` fields are C-rates (1/h), `_share` fractions, `_s` seconds, `_v` volts.
    """

    target_v: float = 3.65  # makers' charge voltage
    charge_c: float = 0.5  # makers' standard charge; the supply is usually the lower limit
    supply_share: float = 0.8
    done_c: float = 0.02  # makers end at 0.05C; deeper, so that the start is the same each time
    done_share: float = 0.2  # of the charge current, so that a small supply has a tail at all
    dwell_s: float = 60.0
    cv_max_s: float = 4 * 3600.0
    rest_s: float = 1800.0  # [A] charge, rest, discharge; makers rest 30 min to 1 h
    discharge_c: float = 0.5  # rated C of prismatic LFP; a data sheet that says 0.2C is followed
    cutoff_v: float = 2.50  # [A], and the makers' end of discharge
    cutoff_samples: int = 2
    stop_below_v: float = 0.10  # hard stop below the cut-off: nothing is harmed before 2.0 V
    gap_max_s: float = 5.0
    empty_rest_s: float = 60.0
    full_low_v: float = 3.30  # a full cell rests above this
    alarm_above_v: float = 0.020
    stop_above_v: float = 0.050
    ovp_above_v: float = 0.100
    temperature_min_degc: float = 0.0  # while it charges; as in a top balance
    temperature_max_degc: float = 45.0
    cold_below_degc: float = 10.0
    cold_c: float = 0.1
    meter_agree_v: float = 0.010
    lead_max_ohm: float = 0.030  # of the supply's leads
    load_lead_max_ohm: float = 0.010  # heavier, for they carry more
    verify_cells_v: float = 0.030
    wait_max_s: float = 12 * 3600.0
    attended_only: bool = False
    resume_gap_max_s: float = 3600.0
    resume_rest_s: float = 60.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from: the recipe, the cell, the supply and the load."""

    recipe: Recipe
    capacity_ah: float  # rated
    cell_voltage_max_v: float  # from the cell's datasheet
    cell_voltage_min_v: float
    supply: SupplyRatings
    load: LoadRatings
    supply_offset_v: float = 0.0  # commissioned: true terminal volts minus set-point
    shown_offset_v: float | None = None  # likewise, minus what the supply shows
    torque_nm: float | None = None  # of a nut, from the cell's datasheet; None where unsaid (F7)

    @property
    def charge_a(self) -> float:
        limit_a = min(
            self.recipe.supply_share * self.supply.current_max_a,
            self.recipe.charge_c * self.capacity_ah,
        )
        return in_steps(limit_a, self.supply.current_resolution_a)

    @property
    def done_a(self) -> float:
        return min(self.recipe.done_c * self.capacity_ah, self.recipe.done_share * self.charge_a)

    @property
    def drawing(self) -> Drawing:
        cutoff_v = self.recipe.cutoff_v
        return Drawing.of(self.recipe, cutoff_v, capacity_ah=self.capacity_ah, load=self.load)


def problems(spec: Spec) -> list[str]:
    """Why this spec cannot work; empty means it can be built."""
    recipe, found = spec.recipe, []
    if not recipe.target_v <= spec.cell_voltage_max_v:
        found.append(
            f"Target {recipe.target_v:.2f} V is above the cell's own limit of "
            f"{spec.cell_voltage_max_v:.2f} V; lower the target."
        )
    if not spec.cell_voltage_min_v <= recipe.cutoff_v:
        found.append(
            f"The cut-off of {recipe.cutoff_v:.2f} V is below the cell's own limit of "
            f"{spec.cell_voltage_min_v:.2f} V; raise the cut-off."
        )
    if not spec.charge_a > 0:
        found.append(
            f"{recipe.charge_c:g}C of a cell of {spec.capacity_ah:g} Ah is less than "
            f"{spec.supply.model} can set, in steps of {spec.supply.current_resolution_a:g} A; "
            "raise the current of the charge or use a finer supply."
        )
    return found


def program(spec: Spec) -> Program:
    """The steps of one capacity test.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    recipe, drawing = spec.recipe, spec.drawing
    return Program(
        name=NAME,
        version=VERSION,
        cells=1,
        target_v=recipe.target_v,
        steps=_steps(spec),
        limits=_limits(spec),
        resume=resume_rule(recipe),
        facts=(
            ("current_a", spec.charge_a),
            ("tail_done_a", spec.done_a),
            ("discharge_a", drawing.current_a(recipe.discharge_c)),
            ("discharge_c", recipe.discharge_c),
            ("cutoff_v", recipe.cutoff_v),
            ("rated_ah", spec.capacity_ah),
        ),
    )


def _steps(spec: Spec) -> tuple[Step, ...]:
    recipe, wait = spec.recipe, timedelta(seconds=spec.recipe.wait_max_s)
    return (
        Instruct(
            "connect",
            "Connect the cell",
            "Rings and watches off, insulated tools. One cell, alone, no link on it. Leads of "
            "supply and load on its posts, plus to plus and minus to minus, the meter's wires "
            "on the posts themselves. Where a scanner is wired, it is the cell on the scanner's "
            f"first channel. {torqued(spec.torque_nm)} The output is off.",
            "The cell is connected, nuts torqued, polarity checked",
            drawing="single",
            timeout=wait,
        ),
        _verify(spec, "connected", "See that a cell is there", low_v=spec.cell_voltage_min_v),
        _fill(spec),
        Rest("rest-full", "Rest, full", timedelta(seconds=recipe.rest_s)),
        _verify(spec, "full", "See that the cell is full", low_v=recipe.full_low_v),
        spec.drawing.step(
            "discharge",
            "Discharge to the cut-off",
            recipe.discharge_c,
            alone=PLACE,
            gap_max=timedelta(seconds=recipe.gap_max_s),
        ),
        Rest("rest-empty", "Rest, empty", timedelta(seconds=recipe.empty_rest_s)),
        leads_off(wait),
    )


def _verify(spec: Spec, name: str, title: str, *, low_v: float) -> Verify:
    recipe = spec.recipe
    return Verify(
        name,
        title,
        margin_v=0.0,
        cells_within_v=recipe.verify_cells_v,
        voltage=Window(low_v, recipe.target_v + recipe.alarm_above_v),
        alone=PLACE,
    )


def _fill(spec: Spec) -> Charge:
    recipe, setpoint = spec.recipe, Setpoint(spec.recipe.target_v, spec.charge_a)
    step_v, step_a = spec.supply.voltage_resolution_v, spec.supply.current_resolution_a
    return Charge(
        "fill",
        "Charge to full",
        setpoint=setpoint,
        protection=protection(setpoint, ovp_above_v=recipe.ovp_above_v, step_a=step_a),
        finish_above_v=recipe.target_v,
        finish_current_a=setpoint.current_a,
        tail=Tail(
            done_a=spec.done_a,
            partial_a=spec.done_a,
            at_least_v=round(recipe.target_v - recipe.alarm_above_v, 6),
            proven_on_a=step_a,
            dwell=timedelta(seconds=recipe.dwell_s),
            cv_min=timedelta(0),
            cv_max=timedelta(seconds=recipe.cv_max_s),
            flat_for=timedelta(seconds=recipe.cv_max_s),
            flat_fraction=0.05,
            no_current_for=timedelta(minutes=30),
        ),
        trim=Trim(
            step_v,
            spec.supply.voltage_accuracy_v,
            spec.supply_offset_v,
            shown_offset_v=spec.shown_offset_v,
        ),
        alarm_v=recipe.target_v + recipe.alarm_above_v,
        charge_max_ah=1.2 * spec.capacity_ah,
        timeout=timedelta(hours=_fill_hours(spec), seconds=recipe.cv_max_s),
        agreement=Agreement(
            cells_v=recipe.meter_agree_v,
            supply_v=spec.supply.voltage_accuracy_v + recipe.meter_agree_v,
            lead_max_ohm=recipe.lead_max_ohm,
        ),
        alone=PLACE,
    )


def _fill_hours(spec: Spec) -> float:
    return 1.2 * spec.capacity_ah / spec.charge_a


def _limits(spec: Spec) -> Limits:
    recipe, drawing = spec.recipe, spec.drawing
    stop_v = recipe.target_v + recipe.stop_above_v
    hours = _fill_hours(spec) + drawing.hours_max(recipe.discharge_c)
    waits_s = 2 * recipe.wait_max_s + recipe.rest_s + recipe.empty_rest_s
    return Limits(
        bank_voltage_max_v=stop_v,
        bank_voltage_min_v=drawing.floor_v,
        cell_voltage_max_v=stop_v,
        cell_voltage_min_v=drawing.floor_v,
        current_max_a=1.05 * spec.charge_a + 5 * spec.supply.current_resolution_a,
        setpoint_voltage_max_v=recipe.target_v + spec.supply.voltage_accuracy_v,
        duration_max_s=3600 * hours + recipe.cv_max_s + waits_s,
        charge_max_ah=1.25 * spec.capacity_ah,
        drawn_max_a=drawing.limit_a(recipe.discharge_c),
        drawn_max_ah=1.25 * spec.capacity_ah,
        **temperatures(recipe, spec.capacity_ah),
    )
