"""What the readings of a charge show of its leads, contacts and cells (B6, F5).  Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from stations.planner.contacts import poor_contacts
from stations.planner.naming import (
    Look,
    look_at_contacts,
    look_at_leads,
    look_at_leak,
    look_at_supply,
)
from stations.planner.seen import Seen
from stations.planner.tails import floor_a
from stations.procedures.steps import Charge

StepAt = Callable[[datetime], str]
"""The name of the step that the bench was in at that process time; "" where nobody knows."""


def charge_looks(
    charges: Sequence[Charge],
    seen: Seen,
    *,
    joined: bool,
    rated_ah: float,
    step_at: StepAt,
    commissioned_ohm: float = math.nan,
) -> tuple[Look, ...]:
    """Of the charges of one program, under way or over; nothing before any current."""
    flowed = seen.flowing()
    if not charges or not len(flowed.at_s):
        return ()
    highest = max(charges, key=lambda step: step.alarm_v)
    target_v, alarm_v = highest.setpoint.voltage_v, highest.alarm_v
    found = [
        look_at_supply(flowed.voltage_v, target_v=target_v, alarm_v=alarm_v),
        _leads(charges[0], flowed, commissioned_ohm),
    ]
    if joined:
        found.append(_contacts(flowed))
    if not charges[-1].stage:
        found.append(_leak(charges, flowed, rated_ah, step_at))
    return tuple(found)


def _leads(charge: Charge, flowed: Seen, commissioned_ohm: float) -> Look:
    return look_at_leads(
        flowed.supply_v + charge.trim.above_shown_v - flowed.voltage_v,
        flowed.current_a,
        accuracy_v=charge.trim.accuracy_v,
        commissioned_ohm=commissioned_ohm,
    )


def _contacts(flowed: Seen) -> Look:
    scanned = flowed.only(np.asarray(np.isfinite(flowed.cells_v).any(axis=1)))
    return look_at_contacts(
        poor_contacts(scanned.at_s, scanned.current_a, scanned.cv, scanned.cells_v)
    )


def _leak(charges: Sequence[Charge], flowed: Seen, rated_ah: float, step_at: StepAt) -> Look:
    """By the longest hold at target, whichever charge that was."""
    tail = flowed.longest_tail(max(step.tail.at_least_v for step in charges))
    named = step_at(tail[-1][0]) if tail else ""
    step = next((step for step in charges if step.name == named), charges[-1])
    position = step.place
    return look_at_leak(
        tail[-1][1] if tail else math.nan,
        done_a=step.tail.done_a,
        charged_ah=rated_ah if position else rated_ah * flowed.cells_v.shape[1],
        floor_a=floor_a(step.tail, tail),
        cell=position,
    )
