"""`/`: what every station does, what waits for whom, and which jobs can be claimed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.pages.acts import page
from api.reads import board
from shop import clock
from shop.jobs.models import Job
from shop.jobs.states import JobState

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
        },
    )


@page
def stations(request: HttpRequest) -> HttpResponse:
    """The part of the board that is polled."""
    return render(request, "board/_stations.html", {"stations": board.stations(now=clock.now())})


def _urgency(job: Job) -> tuple[int, int]:
    """What can be claimed first, then what is claimed, then what runs; older first."""
    return ACTIVE.index(JobState(job.state)), job.pk
