"""Loose cells in series behind a BMS: what both pre-charges of them plan alike (B10).

Whether anybody sees the cells then, and what ends the charge, is each one's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from stations.procedures import strings
from stations.procedures.handling import torqued
from stations.procedures.planned import Warm, temperatures
from stations.procedures.steps import Asked, Instruct
from stations.values import Limits, SupplyRatings, Window

BMS_OVER = "bms_over_v"


class Recipe(strings.InSeries, Warm, Protocol):
    """A recipe that charges loose cells in series to its target; `_v` fields of one cell."""

    @property
    def target_v(self) -> float: ...
    @property
    def target_min_v(self) -> float: ...
    @property
    def string_stop_above_v(self) -> float: ...
    @property
    def bms_setting_within_v(self) -> float: ...
    @property
    def wait_max_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from."""

    recipe: Recipe
    cells: int
    capacity_ah: float  # rated, of one cell
    cell_voltage_max_v: float  # absolute, from the cell's datasheet
    cell_voltage_min_v: float
    supply: SupplyRatings
    # Of a nut, from the cell's datasheet; None where it does not say (F7).
    torque_nm: float | None = field(default=None, kw_only=True)

    @property
    def string_v(self) -> float:
        """The supply's set-point: target x N."""
        return round(self.recipe.target_v * self.cells, 6)

    @property
    def current_a(self) -> float:
        """CC limit: the share of the supply's amps and watts, at most the C-rate of one cell."""
        return strings.charge_a(
            self.recipe, self.supply, string_v=self.string_v, capacity_ah=self.capacity_ah
        )

    @property
    def bms_over(self) -> Window:
        """Where the BMS must be set to open: the target, as near as it stores it."""
        set_v, within_v = self.recipe.target_v, self.recipe.bms_setting_within_v
        return Window(round(set_v - within_v, 6), round(set_v + within_v, 6))

    @property
    def facts(self) -> tuple[tuple[str, float], ...]:
        """Planned figures to show before the start."""
        return (
            ("current_a", self.current_a),
            ("string_v", self.string_v),
            ("cell_ah", self.capacity_ah),
        )


def problems(spec: Spec) -> list[str]:
    """Why these cells cannot be charged in series by this supply; empty means go."""
    recipe, supply, found = spec.recipe, spec.supply, []
    if spec.cells not in strings.STRINGS:
        found.append(
            f"A string of {spec.cells} cells is none that a BMS is made for here; take 4, 8 or 16."
        )
    if not recipe.target_min_v <= recipe.target_v <= spec.cell_voltage_max_v:
        found.append(
            f"Target {recipe.target_v:.2f} V is outside {recipe.target_min_v:.2f} … "
            f"{spec.cell_voltage_max_v:.2f} V (the cell's own limit); choose 3.60 … 3.65 V."
        )
    if spec.string_v > supply.voltage_max_v:
        found.append(
            f"{spec.cells} cells in series need {spec.string_v:.1f} V, {supply.model} has "
            f"{supply.voltage_max_v:.0f} V; use a supply of {60 if spec.string_v > 30 else 30} V "
            "or more, or charge fewer cells at once."
        )
    if not spec.current_a > 0:
        found.append(f"{supply.model} resolves no current as small as 0.2C of these cells.")
    return found


def assemble(spec: Spec, *, told: str = "", typed: bool = True) -> Instruct:
    """A person builds the string, its BMS set to the target, which they type unless it is read.

    `told` is what they must know before that.
    """
    set_v, cells = spec.recipe.target_v, spec.cells
    asked = Asked(
        BMS_OVER,
        "Cell over-voltage of the BMS, volts",
        spec.bms_over,
        f"It must be {set_v:.2f} V: set it in the BMS's app, then say so.",
    )
    return Instruct(
        "assemble",
        "Build the string behind its BMS",
        f"{told}Rings and watches off, insulated tools, posts covered. Plus of each cell to minus "
        f"of the next, cells 1 to {cells}; sense leads of the BMS in that order, from minus. Set "
        f"the BMS to stop charge when a cell is at {set_v:.2f} V. Meter on the minus of cell 1 "
        f"and the plus of cell {cells}, supply's plus on that plus, its minus on P- of the "
        f"BMS. {torqued(spec.torque_nm)} Check polarity twice. The output is off.",
        "String, BMS, meter and leads are on, nuts torqued, polarity checked",
        drawing="series",
        timeout=timedelta(seconds=spec.recipe.wait_max_s),
        asks=asked if typed else None,
    )


def apart(spec: Spec) -> Instruct:
    """[B] 3.7: "turn off the power supply and disassemble the battery"."""
    return Instruct(
        "unlink",
        "Take the string apart",
        "The output is off, all is measured. Leads of the supply off first, then the BMS and its "
        "sense leads, then every link, so that each cell stands alone: nowhere are the string's "
        "full volts left. Covers on the posts.",
        "Leads, BMS and links are off",
        drawing="unlinked",
        timeout=timedelta(seconds=spec.recipe.wait_max_s),
    )


def limits(
    spec: Spec, *, cell_voltage_max_v: float, duration_max_s: float, cells_unseen: bool = False
) -> Limits:
    """The hard limits of a charge of the string.

    `duration_max_s` is without what people may take for their part.
    """
    recipe, cells = spec.recipe, spec.cells
    return Limits(
        bank_voltage_max_v=round(spec.string_v + recipe.string_stop_above_v * cells, 6),
        bank_voltage_min_v=cells * spec.cell_voltage_min_v,
        cell_voltage_max_v=round(cell_voltage_max_v, 6),
        cell_voltage_min_v=spec.cell_voltage_min_v,
        current_max_a=1.05 * spec.current_a + 5 * spec.supply.current_resolution_a,
        setpoint_voltage_max_v=spec.string_v,
        duration_max_s=duration_max_s + 4 * recipe.wait_max_s,
        charge_max_ah=1.1 * spec.capacity_ah,
        series_cells=cells,
        cells_unseen=cells_unseen,
        **temperatures(recipe, spec.capacity_ah),
    )
