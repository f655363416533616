"""When an alert was last seen to arrive."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from shop.alerts.models import AlertCheck


def last_arrived_at() -> datetime | None:
    """Of the address that is set now, when its newest confirmed test was sent; None: never, or
    one that could not even be sent came after it."""
    if not settings.ALERT_EMAIL:
        return None
    checks = AlertCheck.objects.filter(address=settings.ALERT_EMAIL)
    newest = checks.exclude(error="", confirmed_at=None).order_by("-sent_at", "-id").first()
    return newest.sent_at if newest and newest.confirmed_at else None
