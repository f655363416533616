"""When a program has to begin so that it is done by a given time, and who must be there when (F6).

Pure.  It is aimed with the slow end of the hours, so in nine of ten cases it is done in time; what
is done early is held for whoever comes, for as long as the policy says, or goes off (B19).  Where
nobody stays the first hands come as early as they like: the bench waits for the moment by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stations.planner.hours import Interval
from stations.planner.presence import HANDS_H, Visit


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody is at the bench for `titles`: from `earliest` on, and by `latest` at the latest."""

    titles: tuple[str, ...]
    earliest: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """`begin_at` is when the cells must lie ready and somebody begins; the last call is its end.

    `drives_at` is when those hands are done and the first output goes on.  `attention` is what
    hands take in all.  `waits_max` is how long a quick bank waits for its person; `held` says that
    it is held all that time and nothing has to be refreshed.
    """

    begin_at: datetime
    drives_at: datetime
    ready_by: datetime
    calls: tuple[Call, ...]
    attention: timedelta
    waits_max: timedelta
    held: bool


def schedule(
    visits: Sequence[Visit],
    hours: Interval,
    *,
    ready_by: datetime,
    hold_max: timedelta,
    alone_from: datetime | None = None,
) -> Schedule:
    """Of a program that asks for `visits` and takes `hours`, done by `ready_by`.

    `alone_from` is from when its first hands may come where nobody stays; None: somebody stays.
    """
    end = visits[-1].after if visits else hours
    begin_at = ready_by - timedelta(hours=end.high)
    calls = tuple(_call(visit, begin_at, alone_from) for visit in visits)
    waits_max = timedelta(hours=end.high - end.low)
    attention = timedelta(hours=HANDS_H) * max(1, len(visits) - 1)
    drives_at = _at(begin_at, HANDS_H) if visits else begin_at
    held = waits_max <= hold_max
    return Schedule(begin_at, drives_at, ready_by, calls, attention, waits_max, held)


def _call(visit: Visit, begin_at: datetime, alone_from: datetime | None) -> Call:
    earliest, latest = _at(begin_at, visit.after.low), _at(begin_at, visit.after.high)
    if alone_from is not None and latest == begin_at:
        earliest = min(alone_from, begin_at)
    return Call(visit.titles, earliest, latest)


def _at(begin_at: datetime, hours: float) -> datetime:
    return begin_at + timedelta(hours=hours)
