"""When an alert was last seen to arrive, and which runs somebody must still be told of (F4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from shop.alerts.models import AlertCheck, RunAlert
from shop.jobs.models import JobEvent, Run
from shop.jobs.states import RunState

# States of an unattended run that somebody should get out of bed for, or know at breakfast.
WORTH_TELLING = (RunState.TRIPPED, RunState.ERROR, RunState.INTERRUPTED, RunState.REFUSED)
TOLD_WITHIN = timedelta(hours=24)  # of its end: an old one is history
LEAVES_WITHIN = timedelta(minutes=1)  # of what it tells: some beats, and a slow mail server


def unsent(now: datetime) -> QuerySet[Run]:
    """Runs left alone that came to what nobody was told of yet, oldest first."""
    told = RunAlert.objects.filter(
        run=OuterRef("pk"), attempt=OuterRef("attempt"), state=OuterRef("state")
    )
    runs = Run.objects.filter(~Exists(told), attended=False, state__in=WORTH_TELLING)
    return runs.exclude(ended_at__lt=now - TOLD_WITHIN).order_by("pk")


def stuck(now: datetime) -> QuerySet[Run]:
    """Those whose alert should have left by now."""
    lately = JobEvent.objects.filter(
        run=OuterRef("pk"), kind__startswith="run_", at__gt=now - LEAVES_WITHIN
    )
    return unsent(now).filter(~Exists(lately))


def last_arrived_at() -> datetime | None:
    """Of the address that is set now, when its newest confirmed test was sent; None: never, or
    one that could not even be sent came after it."""
    if not settings.ALERT_EMAIL:
        return None
    checks = AlertCheck.objects.filter(address=settings.ALERT_EMAIL)
    newest = checks.exclude(error="", confirmed_at=None).order_by("-sent_at", "-id").first()
    return newest.sent_at if newest and newest.confirmed_at else None
