"""Parallel top balance, CC/CV (requirements B1-B5, B7, B19).

All cells in parallel, charged to one full voltage and held until the tail current says that
they share it.  Sources: [A] "Top Balancing vs Bottom Balancing", the step table and the
overnight strategy; [B] "Top Balancing LiFePo4 Cells using a low cost 10A benchtop power
supply", section 4 and appendices.  Where they differ the stricter is the default; where a
number follows from the cell's physics the field says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stations.procedures.criteria import Agreement, Tail, Trim
from stations.procedures.handling import torqued
from stations.procedures.planned import in_steps, protection, resume_rule, temperatures
from stations.procedures.rules import DisconnectRule, ParallelRule
from stations.procedures.steps import Charge, Instruct, Measure, PlanRefused, Program, Step, Verify
from stations.values import Limits, Setpoint, SupplyRatings, Window

NAME = "parallel top balance"
VERSION = "4"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a parallel top balance: defaults of a recipe version, never constants.

    `_c` fields are C-rates (1/h), `_share` fractions, `_s` seconds, `_v` volts.
    """

    target_v: float = 3.65  # [A] step 2, [B] 4.3
    target_min_v: float = 3.50  # [B] section 4: "would not recommend anything lower than 3.5"
    bms_run_v: float = 0.0  # B13: the pack's BMS opens at this in service; 0 where nobody knows
    tail_basis: str = "bank"  # "bank": [A] "scales with total capacity"; or "cell"
    done_c: float = 0.00125  # [A] 0.25 A for 200 Ah
    partial_c: float = 0.0025  # [A] 0.5 A for 200 Ah
    done_share: float = 0.2  # of the CC limit, so that a small supply has a tail at all
    partial_share: float = 0.4
    bank_c_max: float = 0.2  # [B] 4.2, of the bank
    supply_share: float = 0.8  # [B] appendix B, "not to burn it out"
    finish_c: float = 0.03  # of the bank, above finish_above_v: removes more spread than any tail
    finish_above_v: float = 3.45
    at_least_below_v: float = 0.020
    cv_min_s: float = 1800.0
    cv_max_s: float = 6 * 3600.0
    dwell_s: float = 300.0
    flat_for_s: float = 1800.0
    flat_fraction: float = 0.05
    # A bank above a supply that reads low draws nothing until it has relaxed: minutes, no more.
    no_current_s: float = 1800.0
    refresh_cv_min_s: float = 900.0  # B19, before the disconnect check after a wait
    alarm_above_v: float = 0.020
    stop_above_v: float = 0.050
    ovp_above_v: float = 0.100  # F4: OVP at most target + 100 mV, read back
    # B5: beyond these the meter is in doubt.  Two good meters on one bank differ by a millivolt
    # or two, links included; leads of 10 AWG have some 7 mohm, and 30 would burn 6 W at 14 A.
    meter_agree_v: float = 0.010
    compensate_leads_v: float = 0.0  # B5: an option, at most 50 mV; 0 is off
    ovp_room_v: float = 0.050  # B5: and never above OVP less this
    lead_max_ohm: float = 0.030
    # Of each probe on a cell.  Makers' sheets say 0 to 60 °C (Lishen LP54173207), a pack's manual
    # none below 0 and 0.1C below 10 (Alpha APL); 45 °C keeps away from where LFP ages fast.
    temperature_min_degc: float = 0.0
    temperature_max_degc: float = 45.0
    cold_below_degc: float = 10.0
    cold_c: float = 0.1
    leak_per_month: float = 0.02  # typical self-discharge of a healthy cell
    parallel_spread_max_v: float = 0.15  # [B] 4.1
    parallel_level_max_v: float = 0.30  # [A]: never directly above
    parallel_peak_warn_c: float = 0.5
    parallel_peak_max_c: float = 1.0  # cell makers' charge limit
    resistor_ohm: float = 0.5  # [A] 0.5 to 1 ohm, 50 W, as a surge limiter
    resistor_s: float = 180.0  # [A] two to three minutes
    link_ohm: float = 0.0003  # assumed until measured, for the predicted surge
    pass_below_v: float = 0.030  # [A] 3.62 for 3.65
    marginal_below_v: float = 0.050  # [A] 3.60 for 3.65
    above_v: float = 0.005
    fresh_s: float = 300.0
    late_s: float = 900.0
    wait_max_s: float = 12 * 3600.0
    attended_only: bool = False  # F4: [B] never leaves a bank alone; every other condition holds
    # Before a charge: the bank meter against the cells as they rested, each cell against it.
    verify_margin_v: float = 0.02  # two meters, and what a cell relaxes while links go on
    verify_cells_v: float = 0.03  # at rest joined cells differ by link ohms times equalising amps
    # After an interruption: an hour later a full cell has relaxed too far to be told from another.
    resume_gap_max_s: float = 3600.0
    resume_rest_s: float = 60.0
    resume_attempts_max: int = 3


@dataclass(frozen=True, slots=True)
class Spec:
    """What one program is built from: the recipe, the cells, and the supply that will do it."""

    recipe: Recipe
    cells: int
    capacity_ah: float  # rated, of one cell
    cell_voltage_max_v: float  # absolute, from the cell's datasheet
    cell_voltage_min_v: float
    cell_r_ohm: float
    supply: SupplyRatings
    supply_offset_v: float = 0.0  # commissioned: true terminal volts minus set-point
    shown_offset_v: float | None = None  # likewise, minus what the supply shows
    full_rating_allowed: bool = False  # a supervisor allows the continuous rating (B1)
    torque_nm: float | None = None  # of a nut, from the cell's datasheet; None where unsaid (F7)

    @property
    def bank_ah(self) -> float:
        return self.cells * self.capacity_ah

    @property
    def current_a(self) -> float:
        """CC limit: the recipe's share of the supply, at most its C-rate of the bank."""
        share = 1.0 if self.full_rating_allowed else self.recipe.supply_share
        step = self.supply.current_resolution_a
        limit = min(share * self.supply.current_max_a, self.recipe.bank_c_max * self.bank_ah)
        return in_steps(limit, step)

    def tail_a(self, basis: str) -> tuple[float, float]:
        """(done, partial) tail limits in amps of the whole bank for one basis (B2)."""
        basis_ah = self.bank_ah if basis == "bank" else self.capacity_ah
        return (
            min(self.recipe.done_c * basis_ah, self.recipe.done_share * self.current_a),
            min(self.recipe.partial_c * basis_ah, self.recipe.partial_share * self.current_a),
        )

    @property
    def trim(self) -> Trim:
        return Trim(
            self.supply.voltage_resolution_v,
            self.supply.voltage_accuracy_v,
            self.supply_offset_v,
            self.recipe.compensate_leads_v,
            self.recipe.ovp_room_v,
            self.shown_offset_v,
        )

    @property
    def leak_floor_a(self) -> float:
        """CV current below which a healthy bank cannot settle: its own self-discharge."""
        return self.bank_ah * self.recipe.leak_per_month / 720.0


def problems(spec: Spec) -> list[str]:
    """Why this spec cannot work; empty means it can be built."""
    found = charging_problems(spec)
    if spec.cells < 2:
        found.insert(0, "A parallel bank needs at least 2 cells; use the single-cell procedure.")
    return found


def charging_problems(spec: Spec) -> list[str]:
    """Why these cells cannot be charged so, whether they are one or many."""
    recipe, found = spec.recipe, []
    if not recipe.target_min_v <= recipe.target_v <= spec.cell_voltage_max_v:
        found.append(
            f"Target {recipe.target_v:.2f} V is outside {recipe.target_min_v:.2f} … "
            f"{spec.cell_voltage_max_v:.2f} V (the cell's own limit); choose 3.60 … 3.65 V."
        )
    if recipe.target_v < recipe.bms_run_v:
        found.append(
            f"Target {recipe.target_v:.2f} V is below {recipe.bms_run_v:.2f} V, to which the "
            "pack's BMS lets a cell run: the pack would drive its cells past where they were "
            "balanced. Choose a higher target or lower the BMS's limit."
        )
    if recipe.tail_basis not in ("bank", "cell"):
        found.append(f"Tail basis {recipe.tail_basis!r} is not known; choose 'bank' or 'cell'.")
        return found
    done_a, _ = spec.tail_a(recipe.tail_basis)
    if done_a < 2 * spec.supply.current_resolution_a:
        found.append(
            f"Tail {done_a:.3f} A is below what {spec.supply.model} resolves "
            f"({spec.supply.current_resolution_a:.3f} A); use basis 'bank' or a finer supply."
        )
    if done_a < spec.leak_floor_a:
        found.append(
            f"Tail {done_a:.3f} A is below the bank's own leak of about "
            f"{spec.leak_floor_a:.3f} A and would never be reached; use basis 'bank'."
        )
    return found


def program(spec: Spec) -> Program:
    """The steps of one parallel top balance.  Raises PlanRefused naming every reason."""
    found = problems(spec)
    if found:
        raise PlanRefused(found)
    recipe = spec.recipe
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=recipe.target_v,
        steps=_steps(spec),
        limits=hard_limits(spec),
        resume=resume_rule(recipe),
        facts=facts(spec),
    )


def facts(spec: Spec) -> tuple[tuple[str, float], ...]:
    """Planned figures to show before a start, both bases of the tail among them (B2)."""
    bank_done_a, bank_partial_a = spec.tail_a("bank")
    cell_done_a, cell_partial_a = spec.tail_a("cell")
    return (
        ("current_a", spec.current_a),
        ("bank_ah", spec.bank_ah),
        ("tail_done_bank_a", bank_done_a),
        ("tail_partial_bank_a", bank_partial_a),
        ("tail_done_cell_a", cell_done_a),
        ("tail_partial_cell_a", cell_partial_a),
        ("leak_floor_a", spec.leak_floor_a),
    )


def _steps(spec: Spec) -> tuple[Step, ...]:
    recipe = spec.recipe
    wait = timedelta(seconds=recipe.wait_max_s)
    return (
        Measure("pre-parallel", "Measure every cell before joining them", parallel_rule(spec)),
        Instruct(
            "connect",
            "Join the cells and connect the supply",
            "Rings and watches off, insulated tools, busbars covered. Link plus to plus and minus "
            f"to minus for all {spec.cells} cells. Positive lead to cell 1, negative lead to cell "
            f"{spec.cells}: diagonal, so that every cell sees the same path. The bank meter stays "
            f"on cell {spec.cells}, far from the positive lead. {torqued(spec.torque_nm)} "
            "The output is off.",
            "Cells linked, nuts torqued, leads on, polarity checked",
            drawing="diagonal",
            timeout=wait,
        ),
        verify(spec, "joined", "See that the bank is these cells", first=True),
        charge(spec, "balance", "Balance: charge and hold", recipe.cv_min_s, first=True),
        Instruct(
            "finish",
            "The bank is done: be at the bench to finish",
            "The output is off. When you are at the bench with tools, finish: the bank is held "
            "once more for a short while, then the links come off and every cell is measured "
            "within 5 minutes.",
            "I am at the bench, finish",
            announceable=True,
            timeout=wait,
        ),
        verify(spec, "joined-still", "See that the bank is still these cells", first=False),
        charge(spec, "refresh", "Refresh hold", recipe.refresh_cv_min_s, first=False),
        Instruct(
            "unlink",
            "Take the leads and links off now",
            "The output is off. Leads off first, then every link, so that each cell stands "
            "alone. The pass window counts from current stopped and closes after 5 minutes.",
            "Leads and links are off",
            drawing="unlinked",
            timeout=wait,
        ),
        Measure(
            "disconnect",
            "Disconnect check of every cell",
            disconnect_rule(recipe),
        ),
    )


def disconnect_rule(recipe: Recipe) -> DisconnectRule:
    return DisconnectRule(
        target_v=recipe.target_v,
        pass_below_v=recipe.pass_below_v,
        marginal_below_v=recipe.marginal_below_v,
        above_v=recipe.above_v,
        fresh=timedelta(seconds=recipe.fresh_s),
        late=timedelta(seconds=recipe.late_s),
    )


def parallel_rule(spec: Spec) -> ParallelRule:
    recipe = spec.recipe
    return ParallelRule(
        spread_max_v=recipe.parallel_spread_max_v,
        level_max_v=recipe.parallel_level_max_v,
        voltage=Window(spec.cell_voltage_min_v, recipe.target_v + recipe.above_v),
        peak_warn_c=recipe.parallel_peak_warn_c,
        peak_max_c=recipe.parallel_peak_max_c,
        path_ohm=spec.cell_r_ohm + recipe.link_ohm,
        capacity_ah=spec.capacity_ah,
        resistor_ohm=recipe.resistor_ohm,
        resistor_s=recipe.resistor_s,
    )


def verify(spec: Spec, name: str, title: str, *, first: bool) -> Verify:
    return Verify(
        name,
        title,
        margin_v=spec.recipe.verify_margin_v,
        cells_within_v=spec.recipe.verify_cells_v,
        skip_if_announced="" if first else "finish",
    )


def charge(spec: Spec, name: str, title: str, cv_min_s: float, *, first: bool) -> Charge:
    recipe = spec.recipe
    done_a, partial_a = spec.tail_a(recipe.tail_basis)
    step_a = spec.supply.current_resolution_a
    setpoint = Setpoint(recipe.target_v, spec.current_a)
    bulk_h = 1.1 * spec.bank_ah / spec.current_a
    return Charge(
        name,
        title,
        setpoint=setpoint,
        protection=protection(setpoint, ovp_above_v=recipe.ovp_above_v, step_a=step_a),
        finish_above_v=recipe.finish_above_v,
        finish_current_a=min(spec.current_a, recipe.finish_c * spec.bank_ah),
        tail=Tail(
            done_a=done_a,
            partial_a=partial_a,
            at_least_v=round(recipe.target_v - recipe.at_least_below_v, 6),
            proven_on_a=step_a,
            dwell=timedelta(seconds=recipe.dwell_s),
            cv_min=timedelta(seconds=cv_min_s),
            cv_max=timedelta(seconds=recipe.cv_max_s),
            flat_for=timedelta(seconds=recipe.flat_for_s),
            flat_fraction=recipe.flat_fraction,
            no_current_for=timedelta(seconds=recipe.no_current_s),
        ),
        trim=spec.trim,
        alarm_v=recipe.target_v + recipe.alarm_above_v,
        charge_max_ah=1.05 * spec.bank_ah,
        timeout=timedelta(hours=bulk_h, seconds=recipe.cv_max_s),
        skip_if_announced="" if first else "finish",
        hold_for="finish" if first else "",
        agreement=Agreement(
            cells_v=recipe.meter_agree_v,
            supply_v=spec.supply.voltage_accuracy_v + recipe.meter_agree_v,
            lead_max_ohm=recipe.lead_max_ohm,
        ),
    )


def hard_limits(spec: Spec) -> Limits:
    recipe = spec.recipe
    bulk_s = 3600 * 1.1 * spec.bank_ah / spec.current_a
    stop_v = recipe.target_v + recipe.stop_above_v
    return Limits(
        bank_voltage_max_v=stop_v,
        bank_voltage_min_v=spec.cell_voltage_min_v,
        cell_voltage_max_v=stop_v,
        cell_voltage_min_v=spec.cell_voltage_min_v,
        current_max_a=1.05 * spec.current_a + 5 * spec.supply.current_resolution_a,
        setpoint_voltage_max_v=recipe.target_v + spec.trim.rise_max_v,
        duration_max_s=bulk_s + 2 * recipe.cv_max_s + 4 * recipe.wait_max_s,
        charge_max_ah=1.1 * spec.bank_ah,
        **temperatures(recipe, spec.bank_ah),
    )
