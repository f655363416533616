"""What the plans of several procedures work out alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol

from stations.procedures.steps import ResumeRule
from stations.values import Protection, Setpoint


class Resumes(Protocol):
    """A recipe whose run may go on after an interruption; seconds."""

    @property
    def resume_gap_max_s(self) -> float: ...
    @property
    def resume_rest_s(self) -> float: ...
    @property
    def resume_attempts_max(self) -> int: ...
    @property
    def wait_max_s(self) -> float: ...


def resume_rule(recipe: Resumes) -> ResumeRule:
    return ResumeRule(
        gap_max=timedelta(seconds=recipe.resume_gap_max_s),
        wait_max=timedelta(seconds=recipe.wait_max_s),
        rest=timedelta(seconds=recipe.resume_rest_s),
        attempts_max=recipe.resume_attempts_max,
    )


class Warm(Protocol):
    """A recipe that says how warm cells must be for a charge; degrees Celsius and 1/h."""

    @property
    def temperature_min_degc(self) -> float: ...
    @property
    def temperature_max_degc(self) -> float: ...
    @property
    def cold_below_degc(self) -> float: ...
    @property
    def cold_c(self) -> float: ...


def temperatures(recipe: Warm, charged_ah: float) -> dict[str, Any]:
    """What Limits say of warmth, for so many ampere-hours on the supply."""
    return {
        "temperature_min_c": recipe.temperature_min_degc,
        "temperature_max_c": recipe.temperature_max_degc,
        "cold_below_c": recipe.cold_below_degc,
        "cold_current_max_a": round(recipe.cold_c * charged_ah, 3),
    }


def in_steps(amps: float, step_a: float) -> float:
    """As many whole steps of an instrument as fit: never above `amps`."""
    return round(int(amps / step_a + 1e-9) * step_a, 6)


def protection(setpoint: Setpoint, *, ovp_above_v: float, step_a: float) -> Protection:
    """OVP so far above the set-point; OCP where neither noise nor overshoot of it trips."""
    current_a = setpoint.current_a
    return Protection(
        ovp_v=round(setpoint.voltage_v + ovp_above_v, 6),
        ocp_a=round(current_a + max(5 * step_a, 0.05 * current_a), 2),
    )
