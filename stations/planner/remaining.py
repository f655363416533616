"""Hours that the bench has left in a run under way: the rest of the very program, played (F5).

Whatever the procedure: the cells are led through what was measured (`following`), the present
step is cut by what it has behind it (`cutting`), and the rest is played on the model (`playing`)
from each of a few of the places where the cells may stand.  What comes after a person's next act
is played whole.  Hands in between are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from stations.planner.cutting import cut
from stations.planner.following import Cloud, followed
from stations.planner.hours import Interval, interval, spread
from stations.planner.knowledge import Known, known_by_volts
from stations.planner.playing import charge_in, in_series, played_on
from stations.planner.seen import Seen
from stations.planner.stretches import Stretch, ahead
from stations.planner.supplied import as_supplied
from stations.planner.tails import Left, tail_left
from stations.planner.whole import joined_in, summed, whole_hours
from stations.procedures.steps import (
    DRIVEN,
    Charge,
    Discharge,
    OfCell,
    Program,
    Rest,
    Step,
    Verify,
    Wait,
)
from stations.values import Window

COUNT, POSSIBLE, POSSIBLE_OF_STRING = 7, 96, 32
# What is played is good to a hundredth, and to a look or two.
MODEL_SHARE, LOOK_H = 0.01, 0.02
NO_VOLTS = "hours are not observable: no volts of these cells were read"
NO_REST = "hours are not observable: the cells that come later were not measured at rest"
NO_END = "hours are not observable: on the model these readings do not come to an end"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a run is: in `step`, with readings up to `at`.  Equal ones are of one moment.

    `capacity_ah` rated, of one cell; `rested_v` of every cell before any current, () while
    unknown; `began` says when each step was entered, in order.
    """

    program: Program
    step: str
    at: datetime
    capacity_ah: float
    leads_ohm: Window
    rested_v: tuple[float, ...]
    seen: Seen = field(compare=False)
    began: tuple[tuple[str, datetime], ...] = field(default=(), compare=False)


def left(stand: Stand) -> Left | None:
    """None while a person acts or cells are measured, and before any reading."""
    found = ahead(stand.program, stand.step)
    if not found or not len(stand.seen.at_s):
        return None
    own = _own(stand, found[0])
    if own.hours is None:
        return own
    after = _later(stand, found[1:])
    if after is None:
        return Left(None, NO_REST)
    return Left(_as_good_as_the_model(summed(own.hours, *after)))


def _own(stand: Stand, stretch: Stretch) -> Left:
    """Of the stretch under way."""
    step, now = _under_way(stand, stretch)
    steps = [step if one.name == step.name else one for one in _undone(stand, stretch)]
    rest = Stretch(tuple(steps), stretch.cell)
    exactly = _known(rest, stand.at)
    if exactly is not None:
        return Left(interval([exactly.total_seconds() / 3600]))
    cloud = _cloud(stand, rest)
    if cloud is None:
        return Left(None, NO_VOLTS)
    tail = None
    if isinstance(step, Charge) and step.name == stand.step and len(now.at_s):
        tail = tail_left(step, now.progress(step.tail.at_least_v), _unit_ah(stand, rest))
    if tail is not None and tail.hours is None:
        return tail
    first = next(one for one in _undone(stand, stretch) if isinstance(one, DRIVEN))
    played = [
        played_on(stand.program, rest, as_supplied(one, first, now), joined_in(stand.program, rest))
        for one in cloud.spread(COUNT, draws=isinstance(first, Discharge))
    ]
    ended = [hours for hours in played if hours is not None]
    if not ended:
        return tail if tail is not None and len(rest.steps) == 1 else Left(None, NO_END)
    hours = interval([whole for _, whole in ended])
    if tail is not None and tail.hours is not None:
        after = interval([whole - own for own, whole in ended])
        hours = _widened(hours, summed(tail.hours, after))
    return Left(hours)


def _known(stretch: Stretch, at: datetime) -> timedelta | None:
    """How long it takes from `at` where it is nothing but rest, or the wait for a moment."""
    only = stretch.steps[0]
    if isinstance(only, Wait):
        return max(timedelta(0), only.until - at)
    rests = [step.lasts for step in stretch.steps if isinstance(step, Rest)]
    return sum(rests, timedelta(0)) if len(rests) == len(stretch.steps) else None


def _cloud(stand: Stand, stretch: Stretch) -> Cloud | None:
    """Where its cells may stand by now."""
    strung = in_series(stretch)
    known = Known(stand.capacity_ah, (), stand.leads_ohm)
    settings = spread(charge_in(stretch), known, POSSIBLE_OF_STRING if strung else POSSIBLE)
    seen = _of_cell(stand, stretch.cell)
    return followed(seen, _unit_ah(stand, stretch), settings, in_series=strung)


def _later(stand: Stand, stretches: Sequence[Stretch]) -> list[Interval] | None:
    """Of those after it, whole, cells one by one all alike; None where nobody can tell."""
    if stretches and not stand.rested_v:
        return None
    alone = [stretch for stretch in stretches if stretch.cell]
    found = []
    for stretch in [one for one in stretches if not one.cell]:
        rested_v = stand.rested_v if in_series(stretch) else (_mean(stand.rested_v),)
        found.append((stretch, rested_v, 1))
    if alone:
        rested_v = (_mean([stand.rested_v[one.cell - 1] for one in alone]),)
        found.append((alone[0], rested_v, len(alone)))
    hours = [
        (turns, whole_hours(stand.program, stretch, _rested(stand, rested_v), rested_v))
        for stretch, rested_v, turns in found
    ]
    if not all(whole for _, whole in hours):
        return None
    return [interval([turns * one for one in whole]) for turns, whole in hours]


def _rested(stand: Stand, rested_v: Sequence[float]) -> Known:
    known = known_by_volts(rested_v, stand.capacity_ah)
    return replace(known, leads_ohm=stand.leads_ohm)


def _unit_ah(stand: Stand, stretch: Stretch) -> float:
    return stand.capacity_ah * joined_in(stand.program, stretch)


def _under_way(stand: Stand, stretch: Stretch) -> tuple[Step, Seen]:
    """The step that is done, or done again once its cells are verified, cut; and its readings.

    A charge is judged afresh by each attempt, what else there is counts over all of them.
    """
    again = [one for one in _undone(stand, stretch) if not isinstance(one, Verify)]
    step = again[0]
    now = _of_step(stand, step.name, last=isinstance(step, Charge))
    afresh = isinstance(step, Charge) and step.name != stand.step
    return step if afresh else cut(step, now, stand.seen), now


def _undone(stand: Stand, stretch: Stretch) -> tuple[Step, ...]:
    """Without the currents of a taper that an earlier attempt has behind it."""
    begun = {name for name, _ in stand.began}
    drawn = [one.name for one in stretch.steps if isinstance(one, Discharge)]
    last = max((i for i, name in enumerate(drawn) if name in begun), default=0)
    return tuple(one for one in stretch.steps if one.name not in drawn[:last])


def _of_step(stand: Stand, name: str, *, last: bool) -> Seen:
    """The readings of every time, or of the `last`, that the bench was in it.

    All of them where the bench told of no step.
    """
    seen = stand.seen
    if not stand.began:
        return seen
    inside = np.zeros(len(seen.at_s), dtype=bool)
    until_s = [at.timestamp() for _, at in stand.began[1:]] + [np.inf]
    for (step, begins), ends_s in zip(stand.began, until_s, strict=True):
        if step == name:
            times = np.asarray((seen.at_s >= begins.timestamp()) & (seen.at_s < ends_s))
            inside = times if last else inside | times
    return seen.only(inside)


def _of_cell(stand: Stand, cell: int) -> Seen:
    """What was read since the leads are on that cell; all of it for cells that are joined."""
    own = {s.name for s in stand.program.steps if isinstance(s, OfCell) and s.cell == cell}
    begins = next((at for name, at in stand.began if name in own), None) if cell else None
    seen = stand.seen.since(begins)
    return seen if len(seen.at_s) else stand.seen


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _widened(played: Interval, by_slope: Interval) -> Interval:
    """What the model plays, and as far as the tail's own slope says otherwise."""
    low, high = min(played.low, by_slope.low), max(played.high, by_slope.middle)
    return Interval(low, played.middle, high)


def _as_good_as_the_model(hours: Interval) -> Interval:
    low = max(0.0, (1 - MODEL_SHARE) * hours.low - LOOK_H)
    return Interval(low, hours.middle, (1 + MODEL_SHARE) * hours.high + LOOK_H)
