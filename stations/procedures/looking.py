"""What every look at resting cells plans alike: no output is ever enabled (B8, watch)."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from stations.procedures.steps import Instruct, ResumeRule
from stations.values import Limits

# Hard limits of a bench whose output stays off: below what any supply resolves.
NO_CURRENT_A = 1e-6
NO_VOLTAGE_V = 1e-6
NO_CHARGE_AH = 1e-6


class Looks(Protocol):
    """A recipe that measures resting cells."""

    @property
    def span_max_s(self) -> float: ...
    @property
    def temperature_span_k(self) -> float: ...
    @property
    def wait_max_s(self) -> float: ...
    @property
    def resume_attempts_max(self) -> int: ...


def place(recipe: Looks, *, stands: str, also: str, confirm: str) -> Instruct:
    """A person puts the cells side by side, with nothing but sense wires on them.

    `stands` goes on from there, `also` from how warm they are.
    """
    return Instruct(
        "place",
        "Place the cells, each alone",
        "The output is off and stays off. No link, no lead and no load on any cell: each "
        f"stands alone with only its sense wires on the posts{stands}. They have lain side by "
        f"side, within {recipe.temperature_span_k:.0f} °C of each other{also}.",
        confirm,
        drawing="unlinked",
        timeout=timedelta(seconds=recipe.wait_max_s),
    )


def resume_rule(recipe: Looks) -> ResumeRule:
    """Nothing here is ever charged."""
    return ResumeRule(
        gap_max=timedelta(0),
        wait_max=timedelta(seconds=recipe.wait_max_s),
        rest=timedelta(0),
        attempts_max=recipe.resume_attempts_max,
    )


def limits(recipe: Looks, *, low_v: float, high_v: float) -> Limits:
    """Of cells between these volts, of which nothing is asked."""
    return Limits(
        bank_voltage_max_v=high_v,
        bank_voltage_min_v=low_v,
        cell_voltage_max_v=high_v,
        cell_voltage_min_v=low_v,
        current_max_a=NO_CURRENT_A,
        setpoint_voltage_max_v=NO_VOLTAGE_V,
        duration_max_s=recipe.wait_max_s + 2 * recipe.span_max_s,
        charge_max_ah=NO_CHARGE_AH,
    )
