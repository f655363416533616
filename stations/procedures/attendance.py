"""Who is there while a program runs: somebody who says so (F4), or nobody (F4, F6, B19).

[B]: "you simply do not want to leave them unattended at these voltages for long periods of time".
Pure: a program becomes the one for an attended or an unattended run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stations.procedures.steps import (
    DRIVEN,
    SUPPLIED,
    Charge,
    Presence,
    Program,
    Step,
    Verify,
    Wait,
)


@dataclass(frozen=True, slots=True)
class Span:
    """From now until the moment at which the first output may go on; by the bench's clock."""

    now: datetime
    until: datetime


def attended(program: Program, presence: Presence) -> Program:
    """The same, with somebody who must say in time that they are there; nobody where no output
    ever goes on.  A program that asks for them more often keeps that."""
    if not any(isinstance(step, DRIVEN) for step in program.steps):
        return program
    own = program.presence
    return program if own and own.every <= presence.every else replace(program, presence=presence)


def unattended(program: Program, hold_max: timedelta) -> Program:
    """The same, with a charge that is done held on, supervised, until somebody comes (B19)."""
    steps = tuple(_held(step, hold_max) for step in program.steps)
    added_s = hold_max.total_seconds() * sum(_waits(step) for step in program.steps)
    limits = replace(program.limits, duration_max_s=program.limits.duration_max_s + added_s)
    return replace(program, steps=steps, limits=limits)


def waiting(program: Program, span: Span) -> Program:
    """The same, with a Wait before its first output, after all that people do before that (F6).

    The cells are verified while somebody is there, and again once the moment has come.  Without
    any output nothing waits.
    """
    at = next((i for i, step in enumerate(program.steps) if isinstance(step, DRIVEN)), None)
    if at is None or not isinstance(verify := program.steps[at - 1], Verify):
        return program
    again = replace(verify, name=f"{verify.name}-again", title=f"{verify.title}, once more")
    wait = Wait("wait", "Wait for the moment, output off", span.until, verify.timeout)
    added_s = max(0.0, (span.until - span.now).total_seconds())
    return replace(
        program,
        steps=(*program.steps[:at], wait, again, *program.steps[at:]),
        limits=replace(program.limits, duration_max_s=program.limits.duration_max_s + added_s),
    )


def _waits(step: Step) -> bool:
    return isinstance(step, Charge) and bool(step.hold_for)


def _held(step: Step, hold_max: timedelta) -> Step:
    if not (isinstance(step, Charge) and step.hold_for):
        return step
    return replace(step, hold_max=hold_max, timeout=step.timeout + hold_max)


def ovp_problems(program: Program, above_v: float) -> list[str]:
    """F4: charges whose own protection lies further above; the guardian reads it back."""
    return [
        f"“{step.title}” sets OVP at {step.protection.ovp_v:.3f} V, more than "
        f"{above_v * 1000:.0f} mV above its {step.setpoint.voltage_v:.3f} V."
        for step in program.steps
        if isinstance(step, SUPPLIED)
        and not step.protection.ovp_v <= step.setpoint.voltage_v + above_v + 1e-9
    ]
