"""What the supply truly gives at its target: its leads and the meter's laid together, no cell on.

At rest the terminals show the bank, so that only the supply's voltmeter is compared; at the
target (B5) it regulates.  With a bank on, current would flow there and its leads would be in it.
A session of its own, since its envelope is another: hardly any current, and no bank to protect.
"""

from __future__ import annotations

from dataclasses import replace

from stations.bench import Bench
from stations.commissioning.figures import (
    OCP_MARGIN,
    OVP_MARGIN_V,
    Figures,
    Plan,
    Plateau,
    plateau,
)
from stations.commissioning.procedure import settled
from stations.procedures.top_balance import Recipe
from stations.values import Limits, Protection, Setpoint, SupplyRatings

LIMIT_COUNTS = 10  # of its ammeter; our choice: far below any charge, well above its rounding
NO_BANK_V = 1e-3  # the guardian's lower limit: anything but a reversed meter


def setpoint(supply: SupplyRatings, plan: Plan) -> Setpoint:
    return Setpoint(plan.target_v, round(LIMIT_COUNTS * supply.current_resolution_a, 6))


def limits(supply: SupplyRatings, plan: Plan, *, hurry: float = 1.0) -> Limits:
    """At most the hard stop of a balance (B5) above the target; OVP lies beyond that."""
    current_a = setpoint(supply, plan).current_a
    return Limits(
        bank_voltage_max_v=plan.target_v + Recipe().stop_above_v,
        bank_voltage_min_v=NO_BANK_V,
        cell_voltage_max_v=plan.target_v,
        cell_voltage_min_v=NO_BANK_V,
        current_max_a=OCP_MARGIN * current_a,
        setpoint_voltage_max_v=plan.target_v,
        duration_max_s=60.0 * hurry,
        charge_max_ah=current_a * hurry,
    )


def measure(bench: Bench, supply: SupplyRatings, plan: Plan, figures: Figures) -> Figures:
    """Raises CannotCommission or BenchError; either way the output is off or going off."""
    asked = setpoint(supply, plan)
    own = Protection(plan.target_v + OVP_MARGIN_V, OCP_MARGIN * asked.current_a)
    bench.configure(asked, own)
    try:
        bench.energise()
        seen: Plateau = plateau(asked, settled(bench))
    finally:
        bench.off()
    return replace(figures, at_target=seen)
