"""`/`: what every station does, what waits for whom, and which jobs can be claimed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.pages.acts import page, person
from api.reads import board
from shop import clock
from shop.care.queries import packs_due
from shop.jobs.models import Job
from shop.jobs.states import JobState
from shop.people.models import User
from shop.people.roles import Act, may
from shop.shelf.models import Alert
from shop.shelf.queries import standing_alerts
from shop.trace.recall import recall_list

RECENT_DONE = 6
ACTIVE = (JobState.OPEN, JobState.CLAIMED, JobState.IN_PROGRESS)


@page
def show(request: HttpRequest) -> HttpResponse:
    shown = board.jobs()
    active = sorted(shown.filter(state__in=ACTIVE), key=_urgency)
    return render(
        request,
        "board/board.html",
        {
            "here": "board",
            "stations": board.stations(now=clock.now()),
            "jobs": active,
            "done": shown.filter(state=JobState.DONE)[:RECENT_DONE],
            "alerts": _alerts(person(request)),
            "recalls": len(recall_list()),
            "service": len(packs_due(until=clock.now())),
        },
    )


@page
def stations(request: HttpRequest) -> HttpResponse:
    """The part of the board that is polled."""
    return render(request, "board/_stations.html", {"stations": board.stations(now=clock.now())})


def _alerts(by: User) -> list[Alert]:
    """Banks that wait for a pack, for those who decide on them (B8)."""
    return standing_alerts(now=clock.now()) if may(by.role, Act.APPROVE) else []


def _urgency(job: Job) -> tuple[int, int]:
    """What can be claimed first, then what is claimed, then what runs; older first."""
    return ACTIVE.index(JobState(job.state)), job.pk
