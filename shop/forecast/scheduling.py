"""“Ready by 06:00”: when a job has to begin, what has to be plugged when, who is there (F6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from shop.equipment.models import Station
from shop.forecast.finishing import problems
from shop.forecast.queries import forecast
from shop.jobs.models import Job
from shop.jobs.policies import Policy
from shop.jobs.terms import Terms
from shop.refusals import Problem, Refusal, refuse
from stations.planner.schedule import Schedule, schedule


def scheduled(
    job: Job,
    station: Station,
    *,
    ready_by: datetime,
    attended: bool,
    policy: Policy,
    now: datetime,
    rested_v: float | None = None,
) -> Schedule:
    """Of `job` at `station`, by the slow end of its hours; raises Refusal where that is too late,
    and where it would not come to its end.

    Where nobody stays the hands before it may come from now on, and a charge that is done early
    is held.
    """
    found = forecast(job, station, rested_v, beside=False)
    if found is None:
        words = "Nobody foretells the hours of this procedure."
        raise Refusal([Problem("no_hours", words, "Name the time at which it begins instead.")])
    refuse(problems(found.stop, "ready by a time"))
    hold_max = timedelta() if attended else timedelta(seconds=policy.hold_max_s)
    plan = schedule(
        found.visits,
        found.hours,
        ready_by=max(ready_by, now),
        hold_max=hold_max,
        alone_from=None if attended else now,
    )
    if ready_by < now or plan.begin_at < now:
        takes = plan.ready_by - plan.begin_at
        words = (
            f"To be ready by {ready_by:%Y-%m-%d %H:%M} UTC it would have to begin "
            f"{takes.total_seconds() / 3600:.1f} h before, which has passed."
        )
        fix = (
            f"Begun now it is ready by {now + takes:%Y-%m-%d %H:%M} UTC in nine of ten cases. "
            "Measured volts of the rested cells make that sharper."
        )
        raise Refusal([Problem("too_late", words, fix)])
    return plan


def terms_of(
    job: Job,
    *,
    attended: bool,
    not_before: datetime | None,
    ready_by: datetime | None,
    rested_v: float | None,
    policy: Policy,
    now: datetime,
) -> Terms:
    """How a person asked to start: now, at a moment, or so that it is ready by one."""
    if ready_by is None or job.station is None:
        return Terms(attended, not_before)
    if not_before is not None:
        words = "Both a beginning and an end were named."
        raise Refusal([Problem("two_moments", words, "Name one; the other follows from it.")])
    plan = scheduled(
        job,
        job.station,
        ready_by=ready_by,
        attended=attended,
        policy=policy,
        now=now,
        rested_v=rested_v,
    )
    return Terms(attended, plan.begin_at if attended else plan.drives_at, ready_by)
