"""Nights alone: a job that may be left so at NOON, and a run that waits for its moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from pytest_django import Settings

from shop.alerts.models import AlertCheck
from shop.equipment.services import record_commissioning
from shop.jobs.models import Job, Run
from shop.jobs.planning import plan
from shop.jobs.states import JobState, RunState
from stations.procedures.attendance import Span
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.equipment.reports import document_of


def ready_for_a_night(cast: Cast, settings: Settings, *, load: bool = False) -> Job:
    """Its station was commissioned and a test alert was seen to arrive, two hours ago.

    `load`: it has one, of which that commissioning says nothing.
    """
    settings.ALERT_EMAIL = "night@shop.example"
    factories.make_policy(by=cast.sade)
    station = factories.make_station(night=True, load=load)
    at = NOON - timedelta(hours=2)
    document = document_of(station, at=at)
    record_commissioning(station=station, document=document, by=cast.tola, now=NOON)
    AlertCheck.objects.create(
        address=settings.ALERT_EMAIL,
        code_sha256="0",
        sent_at=at,
        sent_by=cast.tola,
        confirmed_at=at,
    )
    return factories.make_job(by=cast.tola, claimed_at=station)


def waiting_alone(cast: Cast, step: str = "wait", *, now: datetime) -> Run:
    """A run of a night at that step, as the uplink tells; its moment is in five hours."""
    station = factories.make_station(now=now)
    job = factories.make_job(by=cast.tola, claimed_at=station, state=JobState.IN_PROGRESS, now=now)
    assert job.station is not None
    begins = now + timedelta(hours=5)
    planned = plan(job, job.station, attended=False, span=Span(now, begins)).plain
    index = next(i for i, known in enumerate(planned["steps"]) if known["name"] == step)
    return factories.make_run(
        by=cast.tola,
        job=job,
        state=RunState.RUNNING,
        now=now,
        program=planned,
        step={"index": index, "name": step, "title": planned["steps"][index]["title"]},
        attended=False,
        not_before=begins,
        ready_by=begins + timedelta(hours=9),
    )
