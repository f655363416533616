"""A step under way with only what it still has ahead, by its own readings so far.  Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from stations.planner.seen import SAMPLE_MAX_S, Seen
from stations.procedures.criteria import Holding
from stations.procedures.steps import Charge, Discharge, Rest, SeriesCharge, Step


def cut(step: Step, now: Seen, whole: Seen) -> Step:
    """`now` are the readings of every time that the bench was in it, `whole` all of the run."""
    if isinstance(step, Rest):
        return replace(step, lasts=max(timedelta(0), step.lasts - _rested(now, whole)))
    on = now.only(now.on > 0)
    if not len(on.at_s):
        return step
    if isinstance(step, Charge):
        return _charge(step, now, on)
    if isinstance(step, SeriesCharge) and step.hold is not None:
        return _holding(step, step.hold, on)
    if isinstance(step, Discharge) and step.string is not None:
        enough_ah = max(0.0, step.string.enough_ah + float(now.moved_ah[-1]))
        return replace(step, string=replace(step.string, enough_ah=enough_ah))
    return step


def trimmed_v(charge: Charge, now: Seen) -> float:
    """By how much the set-point is above target now; below 0 where it was trimmed down."""
    if not (len(now.at_s) and now.on[-1] and now.cv[-1] and np.isfinite(now.supply_v[-1])):
        return 0.0
    return float(now.supply_v[-1]) - charge.setpoint.voltage_v


def _rested(now: Seen, whole: Seen) -> timedelta:
    """Since current stopped: an interruption counts as rest."""
    flowed = whole.at_s[whole.on > 0]
    began = now.at_s if len(now.at_s) else whole.at_s
    since_s = flowed[-1] if len(flowed) else began[0]
    return timedelta(seconds=float(whole.at_s[-1] - since_s))


def _charge(step: Charge, now: Seen, on: Seen) -> Charge:
    """Its time in CV is each hold's own; what has begun to finish goes on finishing."""
    progress, setpoint = now.progress(step.tail.at_least_v), step.setpoint
    held = progress.at - progress.cv_since if progress.cv_since else timedelta(0)
    if bool(np.any(on.voltage_v >= step.finish_above_v)):
        least_a = min(setpoint.current_a, step.finish_current_a)
        setpoint = replace(setpoint, current_a=least_a)
    rise_v = max(0.0, step.trim.accuracy_v - max(0.0, trimmed_v(step, now)))
    return replace(
        step,
        setpoint=setpoint,
        tail=replace(step.tail, cv_min=max(timedelta(0), step.tail.cv_min - held)),
        trim=replace(step.trim, accuracy_v=rise_v),
    )


def _holding(step: SeriesCharge, hold: Holding, on: Seen) -> SeriesCharge:
    """The hold counts, over all attempts, from when a cell is near or the supply in CV."""
    highest_v = np.nan_to_num(on.cells_v).max(axis=1, initial=0.0)
    near = (on.cv > 0) | (highest_v >= step.target_v - step.near_v)
    steps_s = np.diff(on.at_s, prepend=on.at_s[:1])
    counts = np.logical_or.accumulate(near) & (steps_s <= SAMPLE_MAX_S)
    left = hold.lasts - timedelta(seconds=float(np.sum(steps_s[counts])))
    setpoint = step.setpoint
    if bool(np.any(highest_v >= hold.finish_above_v)):
        least_a = min(setpoint.current_a, hold.finish_current_a)
        setpoint = replace(setpoint, current_a=least_a)
    return replace(step, setpoint=setpoint, hold=replace(hold, lasts=max(timedelta(0), left)))
