"""What every charge of cells in series works out alike, loose ones and a pack's (B10, B14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from stations.procedures.handling import TORQUE
from stations.procedures.planned import in_steps, protection
from stations.procedures.steps import Agreement, Holding, Instruct, SeriesCharge, Unseen, Verify
from stations.values import Setpoint, SupplyRatings, Window

STRINGS = (4, 8, 16)  # B10: 12, 24 and 48 V systems


class InSeries(Protocol):
    """A recipe that charges a string; `_v` and `_ohm` fields of one cell or link."""

    @property
    def supply_share(self) -> float: ...
    @property
    def cell_c_max(self) -> float: ...
    @property
    def proven_share(self) -> float: ...
    @property
    def gone_s(self) -> float: ...
    @property
    def ovp_above_v(self) -> float: ...
    @property
    def meter_agree_v(self) -> float: ...
    @property
    def link_ohm_max(self) -> float: ...
    @property
    def lead_max_ohm(self) -> float: ...


class Loose(InSeries, Protocol):
    """Such a recipe for loose cells, which are charged to its target."""

    @property
    def target_v(self) -> float: ...
    @property
    def target_min_v(self) -> float: ...


def problems(
    recipe: Loose,
    supply: SupplyRatings,
    *,
    cells: int,
    current_a: float,
    cell_voltage_max_v: float,
) -> list[str]:
    """Why loose cells cannot be charged in series by this supply; empty means go."""
    found, string_v = [], recipe.target_v * cells
    if cells not in STRINGS:
        found.append(
            f"A string of {cells} cells is none that a BMS is made for here; take 4, 8 or 16."
        )
    if not recipe.target_min_v <= recipe.target_v <= cell_voltage_max_v:
        found.append(
            f"Target {recipe.target_v:.2f} V is outside {recipe.target_min_v:.2f} … "
            f"{cell_voltage_max_v:.2f} V (the cell's own limit); choose 3.60 … 3.65 V."
        )
    if string_v > supply.voltage_max_v:
        found.append(
            f"{cells} cells in series need {string_v:.1f} V, {supply.model} has "
            f"{supply.voltage_max_v:.0f} V; use a supply of {'60' if string_v > 30 else '30'} V "
            "or more, or charge fewer cells at once."
        )
    if not current_a > 0:
        found.append(f"{supply.model} resolves no current as small as 0.2C of these cells.")
    return found


def built(cells: int, set_v: float) -> str:
    """How a person builds the string of loose cells, its BMS set to `set_v`."""
    return (
        "Rings and watches off, insulated tools, posts covered. Plus of each cell to minus of "
        f"the next, cells 1 to {cells}; sense leads of the BMS in that order, from minus. Set "
        f"the BMS to stop charge when a cell is at {set_v:.2f} V. Meter on the minus of cell 1 "
        f"and the plus of cell {cells}, supply's plus on that plus, its minus on P- of the "
        f"BMS. {TORQUE} Check polarity twice. The output is off."
    )


def apart(wait: timedelta) -> Instruct:
    """[B] 3.7: "turn off the power supply and disassemble the battery"."""
    return Instruct(
        "unlink",
        "Take the string apart",
        "The output is off, all is measured. Leads of the supply off first, then the BMS and its "
        "sense leads, then every link, so that each cell stands alone: nowhere are the string's "
        "full volts left. Covers on the posts.",
        "Leads, BMS and links are off",
        drawing="unlinked",
        timeout=wait,
    )


def charge_a(
    recipe: InSeries, supply: SupplyRatings, *, string_v: float, capacity_ah: float
) -> float:
    """CC limit: the share of the supply's amps and watts, at most the C-rate of one cell."""
    most_a = min(supply.current_max_a, supply.power_max_w / string_v)
    limit_a = min(recipe.supply_share * most_a, recipe.cell_c_max * capacity_ah)
    return in_steps(limit_a, supply.current_resolution_a)


def verify(
    recipe: InSeries, name: str, title: str, *, cells: int, bms_over: Window | None
) -> Verify:
    """The meter shows the sum of the cells, and the BMS is set within `bms_over`."""
    return Verify(
        name,
        title,
        margin_v=round(recipe.meter_agree_v * cells, 6),
        cells_within_v=0.0,
        series=True,
        bms_over=bms_over,
    )


def charge(
    recipe: InSeries,
    supply: SupplyRatings,
    name: str,
    title: str,
    *,
    cells: int,
    setpoint: Setpoint,
    target_v: float,
    tail_a: float,
    charge_max_ah: float,
    timeout: timedelta,
    near_v: float = 0.0,
    hold: Holding | None = None,
    unseen: Unseen | None = None,
) -> SeriesCharge:
    """The charge of `cells` in series to `setpoint`, no cell above `target_v`."""
    step_a = supply.current_resolution_a
    return SeriesCharge(
        name,
        title,
        setpoint=setpoint,
        protection=protection(setpoint, ovp_above_v=recipe.ovp_above_v * cells, step_a=step_a),
        target_v=target_v,
        near_v=near_v,
        tail_a=tail_a,
        proven_on_a=max(2 * step_a, round(recipe.proven_share * setpoint.current_a, 6)),
        gone_for=timedelta(seconds=recipe.gone_s),
        agreement=Agreement(
            cells_v=recipe.meter_agree_v,
            # A supply's accuracy is said for one cell's volts and grows with them.
            supply_v=supply.voltage_accuracy_v * cells + recipe.meter_agree_v,
            lead_max_ohm=recipe.lead_max_ohm,
        ),
        link_max_ohm=recipe.link_ohm_max * cells,
        charge_max_ah=charge_max_ah,
        timeout=timeout,
        hold=hold,
        unseen=unseen,
    )
