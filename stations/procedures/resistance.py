"""DC resistance of one cell by a current step: it rests, then gives one current for seconds.

R is the fall of the cell's own volts over that current, ten seconds into the step and, as a
look at the part without most of the polarisation, after two.  Sources: the pulse of the hybrid
pulse power characterization (HPPC), an hour of rest and then at most 10 s of current, as
https://www.neware.net/news/testing-principles-and-parameter-configuration-for-hybrid-pulse-power-characteri/230/135.html
tells it.  IEC 61960 takes the difference of two currents that follow at once, 0.2C for 10 s and
1C for 1 s, R = (V1 - V2) / (I2 - I1)
(https://www.arbin.com/how-to-perform-internal-resistance-measurement-accroding-to-iec-61960-with-arbin.html);
a bench that samples once a second does not see the second of the two, so that is not offered,
and figures of the two kinds are not to be compared.  Nor is a datasheet's value at 1 kHz, which
lies well below: a 10 s value is about 1.6 times that in a model of the cell (0.25 mΩ and a part
of 0.30 mΩ that grows within 40 s, against 0.20 mΩ).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from stations.procedures.criteria import Pulse
from stations.procedures.drawing import TIMER_MARGIN_S, Drawing
from stations.procedures.handling import leads_off, torqued
from stations.procedures.looking import NO_CURRENT_A, NO_VOLTAGE_V
from stations.procedures.planned import resume_rule
from stations.procedures.rules import ResistanceRule
from stations.procedures.steps import Discharge, Instruct, PlanRefused, Program, Rest, Step, Verify
from stations.values import CELL_CEILING_V, Cutoff, Draw, Limits, LoadRatings, MeterRatings, Window

NAME = "DC resistance"
VERSION = "2"  # 1 took nothing off
PLACE = 1  # of the cell on a scanner that sees others beside it


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a resistance test: defaults of a recipe version.

    `_c` fields are C-rates (1/h), `_share` fractions, `_s` seconds, `_v` volts.
    """

    current_c: float = 0.5  # rated C of prismatic LFP, as in the capacity test
    step_s: float = 10.0  # HPPC
    early_s: float = 2.0  # the second sample of a bench that samples once a second
    rest_s: float = 3600.0  # HPPC
    # Rested volts of 20 % and 90 % charge, with 10 mV of hysteresis: between them a cell's
    # resistance does not depend on its charge.
    rested_low_v: float = 3.24
    rested_high_v: float = 3.347
    # Of the type's typical resistance.  At 25 °C a 10 s value is 1.6 times that at 1 kHz and
    # cells scatter by 10 % (one sigma): 2.1 at most.  At 10 °C all of it is 1.9 times as much.
    low_share: float = 0.5
    warn_share: float = 2.5
    fail_share: float = 4.0
    resolution_share: float = 0.02  # of the expected fall, that one count of the meter may be
    cutoff_v: float = 2.80  # a cell between the rested volts is far from it
    cutoff_samples: int = 1
    stop_below_v: float = 0.10
    gap_max_s: float = 5.0
    after_s: float = 60.0  # rest after it, on record
    meter_agree_v: float = 0.010
    load_lead_max_ohm: float = 0.010
    verify_cells_v: float = 0.030
    wait_max_s: float = 12 * 3600.0
    resume_gap_max_s: float = 3600.0
    resume_rest_s: float = 60.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from: the recipe, the cell, the load and the meter."""

    recipe: Recipe
    capacity_ah: float  # rated
    typical_ohm: float  # from the cell's datasheet
    cell_voltage_max_v: float
    cell_voltage_min_v: float
    load: LoadRatings
    meter: MeterRatings
    torque_nm: float | None = None  # of a nut, from the cell's datasheet; None where unsaid (F7)

    @property
    def drawing(self) -> Drawing:
        cutoff_v = self.recipe.cutoff_v
        return Drawing.of(self.recipe, cutoff_v, capacity_ah=self.capacity_ah, load=self.load)

    @property
    def current_a(self) -> float:
        return self.drawing.current_a(self.recipe.current_c)

    @property
    def rule(self) -> ResistanceRule:
        recipe = self.recipe
        return ResistanceRule(
            self.typical_ohm, recipe.low_share, recipe.warn_share, recipe.fail_share
        )


def problems(spec: Spec) -> list[str]:
    """Why this spec cannot work; empty means it can be built."""
    recipe, found = spec.recipe, []
    if not recipe.early_s < recipe.step_s:
        found.append(
            f"The early look at {recipe.early_s:g} s is not within the step of {recipe.step_s:g} s."
        )
    if not spec.cell_voltage_min_v <= recipe.cutoff_v < recipe.rested_low_v:
        found.append(
            f"The cut-off of {recipe.cutoff_v:.2f} V must lie between the cell's own limit of "
            f"{spec.cell_voltage_min_v:.2f} V and the {recipe.rested_low_v:.2f} V that it rests at."
        )
    drop_v, count_v = spec.typical_ohm * spec.current_a, spec.meter.resolution_v
    if not count_v <= recipe.resolution_share * drop_v:
        found.append(
            f"{spec.current_a:.2f} A through {1000 * spec.typical_ohm:.2f} mΩ are "
            f"{1000 * drop_v:.2f} mV, of which {spec.meter.model} resolves {1000 * count_v:g} mV: "
            "use a higher current or a finer meter."
        )
    return found


def program(spec: Spec) -> Program:
    """The steps of one resistance test.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    recipe = spec.recipe
    return Program(
        name=NAME,
        version=VERSION,
        cells=1,
        target_v=recipe.rested_high_v,
        steps=_steps(spec),
        limits=_limits(spec),
        resume=resume_rule(recipe),
        facts=(
            ("pulse_a", spec.current_a),
            ("pulse_c", recipe.current_c),
            ("pulse_s", recipe.step_s),
            ("early_s", recipe.early_s),
            ("rest_s", recipe.rest_s),
            ("rested_low_v", recipe.rested_low_v),
            ("rested_high_v", recipe.rested_high_v),
            ("typical_mohm", 1000 * spec.typical_ohm),
            ("warn_mohm", 1000 * spec.typical_ohm * recipe.warn_share),
            ("fail_mohm", 1000 * spec.typical_ohm * recipe.fail_share),
        ),
    )


def _steps(spec: Spec) -> tuple[Step, ...]:
    recipe, wait = spec.recipe, timedelta(seconds=spec.recipe.wait_max_s)
    return (
        Instruct(
            "connect",
            "Connect the cell",
            "Rings and watches off, insulated tools. One cell, alone, no link on it. Leads of the "
            "load on its posts, plus to plus and minus to minus, the meter's wires on the posts "
            "themselves and not on the lugs: a lug is part of what would be measured. Where a "
            f"scanner is wired, it is the cell on the scanner's first channel. "
            f"{torqued(spec.torque_nm)} The output is off.",
            "The cell is connected, nuts torqued, polarity checked",
            drawing="single",
            timeout=wait,
        ),
        _verify(spec, "connected", "See that it is about half full"),
        Rest("rest", "Rest before the step", timedelta(seconds=recipe.rest_s)),
        _verify(spec, "before", "Volts before the step"),
        _pulse(spec),
        Rest("rest-after", "Rest after the step", timedelta(seconds=recipe.after_s)),
        leads_off(wait),
    )


def _verify(spec: Spec, name: str, title: str) -> Verify:
    recipe = spec.recipe
    return Verify(
        name,
        title,
        margin_v=0.0,
        cells_within_v=recipe.verify_cells_v,
        voltage=Window(recipe.rested_low_v, recipe.rested_high_v),
        alone=PLACE,
    )


def _pulse(spec: Spec) -> Discharge:
    """The discharge that every program draws, ended by time; the load's own timer follows."""
    recipe, drawing, current_a = spec.recipe, spec.drawing, spec.current_a
    lasts_s = recipe.step_s + TIMER_MARGIN_S
    own = Cutoff(drawing.own_cutoff_v(current_a), int(lasts_s + TIMER_MARGIN_S))
    step = drawing.step(
        "pulse",
        f"Draw {current_a:g} A for {recipe.step_s:g} s",
        recipe.current_c,
        alone=PLACE,
        gap_max=timedelta(seconds=recipe.gap_max_s),
    )
    return replace(
        step,
        draw=Draw(current_a, own),
        draw_max_ah=_drawn_max_ah(spec),
        timeout=timedelta(seconds=lasts_s),
        pulse=Pulse(
            lasts=timedelta(seconds=recipe.step_s),
            early=timedelta(seconds=recipe.early_s),
            resolution_v=spec.meter.resolution_v,
            rule=spec.rule,
        ),
    )


def _drawn_max_ah(spec: Spec) -> float:
    return 1.1 * spec.current_a * (spec.recipe.step_s + TIMER_MARGIN_S) / 3600


def _limits(spec: Spec) -> Limits:
    recipe, drawing = spec.recipe, spec.drawing
    # Cells beside it on the table may be full.
    high_v = min(spec.cell_voltage_max_v + 0.05, CELL_CEILING_V)
    return Limits(
        bank_voltage_max_v=high_v,
        bank_voltage_min_v=drawing.floor_v,
        cell_voltage_max_v=high_v,
        cell_voltage_min_v=drawing.floor_v,
        current_max_a=NO_CURRENT_A,
        setpoint_voltage_max_v=NO_VOLTAGE_V,
        duration_max_s=recipe.rest_s + recipe.after_s + 2 * recipe.wait_max_s,
        charge_max_ah=0.1 * spec.capacity_ah,  # what an idle supply's ammeter may add up to
        drawn_max_a=drawing.limit_a(recipe.current_c),
        drawn_max_ah=2 * _drawn_max_ah(spec),
    )
