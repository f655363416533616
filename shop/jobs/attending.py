"""Who stays with a run: whether it may be left alone, and when somebody was last there (F4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from shop.alerts.queries import last_arrived_at, stuck
from shop.equipment.models import Station
from shop.equipment.queries import commissioned, newest_commissionings
from shop.equipment.rules.commissioning import commissioning_problems
from shop.jobs import unattended
from shop.jobs.models import Job, JobEvent, Run
from shop.jobs.planning import ratings_of
from shop.jobs.policies import Policy
from shop.jobs.procedures import procedure_of
from shop.refusals import Problem
from stations.procedures.steps import Discharge, Program


def unattended_problems(
    job: Job,
    station: Station,
    program: Program,
    *,
    policy: Policy,
    now: datetime,
    waits: timedelta = timedelta(),
) -> list[Problem]:
    """Why `job` may not run alone at `station` now, as far as the shop knows (F4).

    What was proven must still hold when its first output goes on, once it has waited.  What only
    the bench can show, a live meter and live temperatures, its preflight asks.
    """
    begins_at = now + waits
    instruments = {i.role: i.serial_number for i in station.wired}
    newest = newest_commissionings([station]).get(station.pk)
    recipe = procedure_of(job.kind).recipe.recipe_of(job.recipe_version.parameters)
    night = unattended.Night(
        cells=job.job_cells.count(),
        attended_only=getattr(recipe, "attended_only", False),
        has_relay="relay" in instruments,
        cutoff_at=_cutoff_at(station, newest.measured_at if newest and newest.passed else None),
        alert_at=last_arrived_at(),
        unsent=list(stuck(now).values_list("pk", flat=True)),
        commissioning=commissioning_problems(
            commissioned(newest),
            registered=instruments,
            now=begins_at,
            valid_for=timedelta(seconds=policy.commissioning_valid_s),
            draws=any(isinstance(step, Discharge) for step in program.steps),
        ),
    )
    asked = unattended.Asked.by(policy)
    return unattended.problems(program, ratings_of(station), night, asked=asked, now=begins_at)


def _cutoff_at(station: Station, commissioned_at: datetime | None) -> datetime | None:
    """When an output of the station, seen on, was last proven off: by a run or a commissioning."""
    stops = JobEvent.objects.filter(run__station=station, kind="bench_current_stopped")
    stopped_at = stops.aggregate(at=Max("at"))["at"]
    return max((at for at in (stopped_at, commissioned_at) if at is not None), default=None)


def present_at(run: Run) -> datetime:
    """When somebody was last at the bench of this run, by what they did."""
    return max([run.queued_at, *(act.at for act in run.acts.all())])


def waits_for_somebody(run: Run, now: datetime) -> bool:
    """Whether an interrupted, attended run goes on only once somebody says that they are there."""
    due_at = presence_due_at(run)
    return due_at is not None and now > due_at


def presence_is_close(run: Run, now: datetime) -> bool:
    """Whether it is time to warn who stays with the run: its output is about to go off."""
    due_at = presence_due_at(run)
    if due_at is None:
        return False
    return due_at - now <= timedelta(seconds=(run.program or {})["presence"]["warn"])


def presence_due_at(run: Run) -> datetime | None:
    """By when somebody must say that they are there; None where nobody has to.

    Not before the first step, and not while the bench waits for somebody's confirmation anyway:
    no output goes on before it, and it counts as a word.
    """
    presence = (run.program or {}).get("presence")
    if presence is None or run.is_over or (run.step or {}).get("kind", "instruct") == "instruct":
        return None
    return present_at(run) + timedelta(seconds=presence["every"])
