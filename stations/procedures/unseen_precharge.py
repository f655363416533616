"""Pre-charge of cells in series behind a BMS that nobody can look into, somebody beside it (B10).

A bench with a supply and a meter over the whole string, and no wire to the BMS: no cell is seen,
so the BMS alone protects them and somebody says in time that they are there.  It is no balance
(M2, G9), and nothing is taken from it that needs a cell's voltage.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from stations.procedures import loose, strings
from stations.procedures.criteria import Unseen
from stations.procedures.planned import resume_rule
from stations.procedures.rules import LevelRule, RestedRule
from stations.procedures.steps import (
    Measure,
    PlanRefused,
    Presence,
    Program,
    SeriesCharge,
    Step,
    Verify,
)
from stations.values import Limits, Setpoint, Window

NAME = "series pre-charge, cells not seen"
VERSION = "2"  # 1 left the string built
UNSEEN = (
    "No cell of this string can be seen: its BMS alone protects them, and somebody must be there "
    "and confirm it in time"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of such a pre-charge: defaults of a recipe version, never constants.

    `_c` fields are C-rates of one cell (1/h), `_share` fractions, `_s` seconds, `_v` volts of one
    cell.  It is never left alone.
    """

    attended_only: ClassVar[bool] = True

    target_v: float = 3.65  # [B] 3.2, as the BMS is set
    target_min_v: float = 3.50  # [B] section 4
    cell_c_max: float = 0.2  # [B] 3.3: ".2 C or less"
    supply_share: float = 0.8  # [B] appendix B, "not to burn it out"
    bms_setting_within_v: float = 0.005
    presence_s: float = 900.0  # at 0.2C a twentieth of the charge
    # On the cell model one cell of 4 or 16 that comes to 3.65 V bends its string up by 0.19 V or
    # more, at any current up to 0.2C; below 3.42 V by less than 0.05 V.
    run_up_v: float = 0.12
    run_up_share: float = 0.005  # of the charge of one cell
    knee_v: float = 3.45  # a string above it has left its plateau
    hold_h: float = 1.0  # at its set-point
    tail_c: float = 0.02
    proven_share: float = 0.01
    gone_s: float = 10.0  # a BMS that opened may close again within a minute
    string_stop_above_v: float = 0.025
    ovp_above_v: float = 0.020
    meter_agree_v: float = 0.012
    link_ohm_max: float = 0.0015
    lead_max_ohm: float = 0.030  # as of the parallel balance: the guardian holds 2 V at most
    # As in the parallel balance: cell makers' sheets, and 0.1C below 10 °C (Alpha APL).
    temperature_min_degc: float = 0.0
    temperature_max_degc: float = 45.0
    cold_below_degc: float = 10.0
    cold_c: float = 0.1
    wait_max_s: float = 12 * 3600.0
    resume_gap_max_s: float = 3600.0
    resume_rest_s: float = 60.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class Spec(loose.Spec):
    """What one program is built from.

    `by_hand`: somebody has a meter to read each cell with, the output off.
    """

    recipe: Recipe
    by_hand: bool = False

    @property
    def hours_max(self) -> float:
        """From empty at the set current, a fifth more, and the hold."""
        return 1.2 * self.capacity_ah / self.current_a + self.recipe.hold_h


def program(spec: Spec) -> Program:
    """The steps of one such pre-charge.  Raises PlanRefused naming every reason."""
    recipe = spec.recipe
    found = loose.problems(spec)
    if found:
        raise PlanRefused(found)
    every = timedelta(seconds=recipe.presence_s)
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=recipe.target_v,
        steps=(*_before(spec), charge(spec), *_after(spec)),
        limits=hard_limits(spec),
        resume=resume_rule(recipe),
        facts=spec.facts,
        presence=Presence(every, every / 3),
    )


def _before(spec: Spec) -> tuple[Step, ...]:
    """The string is built and its BMS set; where there is a meter for it each cell is read."""
    window = Window(spec.cell_voltage_min_v, spec.recipe.target_v)
    built = loose.assemble(spec, told=f"{UNSEEN}. ")
    read = Measure(
        "rested",
        "Read every cell in the string, output off",
        RestedRule(window, spec.capacity_ah),
    )
    seen = _verify(spec, "string", "See that the meter is on the whole string", window)
    return (built, read, seen) if spec.by_hand else (built, seen)


def _verify(spec: Spec, name: str, title: str, cell: Window) -> Verify:
    cells = spec.cells
    return Verify(
        name,
        title,
        margin_v=0.0,
        cells_within_v=0.0,
        voltage=Window(round(cells * cell.low, 6), round(cells * cell.high, 6)),
        series=True,
    )


def charge(spec: Spec) -> SeriesCharge:
    recipe = spec.recipe
    return strings.charge(
        recipe,
        spec.supply,
        "precharge",
        f"Charge the string to {spec.string_v:.1f} V, until its BMS opens",
        cells=spec.cells,
        setpoint=Setpoint(spec.string_v, spec.current_a),
        target_v=recipe.target_v,
        tail_a=recipe.tail_c * spec.capacity_ah,
        charge_max_ah=1.05 * spec.capacity_ah,
        timeout=timedelta(hours=spec.hours_max),
        unseen=Unseen(
            run_up_v=recipe.run_up_v,
            run_up_ah=recipe.run_up_share * spec.capacity_ah,
            knee_v=recipe.knee_v,
            hold_max=timedelta(hours=recipe.hold_h),
        ),
    )


def _after(spec: Spec) -> tuple[Step, ...]:
    window = Window(spec.cell_voltage_min_v, _cell_max_v(spec))
    read = Measure("precharged", "Read every cell once more, output off", LevelRule(window))
    seen = _verify(spec, "string-after", "Look at the string once more, output off", window)
    off = loose.apart(spec)
    return (seen, read, off) if spec.by_hand else (seen, off)


def _cell_max_v(spec: Spec) -> float:
    return round(spec.recipe.target_v + spec.recipe.string_stop_above_v, 6)


def hard_limits(spec: Spec) -> Limits:
    return loose.limits(
        spec,
        cell_voltage_max_v=_cell_max_v(spec),
        duration_max_s=3600 * spec.hours_max,
        cells_unseen=True,
    )
