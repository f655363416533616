"""What stands in the way of a job's start, every reason at once (F5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from shop.jobs import queries
from shop.jobs.models import Job
from shop.jobs.planning import lasts_at_most
from shop.jobs.rules import starting
from shop.people.models import User
from shop.refusals import Problem


def start_problems(job: Job, *, by: User, now: datetime) -> list[Problem]:
    """What `start_run` would refuse now, so that a button can say why it is disabled."""
    return _start_problems(job, by, now, lasts_at_most(job, job.station)[0])


def in_the_way(job: Job, *, by: User, now: datetime) -> list[Problem]:
    """The reasons of the plan, then those of a start; empty means feasible here and now."""
    lasts, unplanned = lasts_at_most(job, job.station)
    return unplanned + _start_problems(job, by, now, lasts)


def _start_problems(job: Job, by: User, now: datetime, lasts: timedelta) -> list[Problem]:
    return starting.start_problems(
        state=job.state,
        is_holder=job.claimed_by_id == by.pk,
        station=queries.station_fact(job.station, now) if job.station else None,
        cells=queries.cell_facts(queries.job_cells(job), job.pack_id),
        has_policy=queries.policy_in_force() is not None,
        lasts=lasts,
        now=now,
    )
