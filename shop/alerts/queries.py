"""When an alert was last seen to arrive."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from shop.alerts.models import AlertCheck


def last_arrived_at() -> datetime | None:
    """Of the address that is set now, when its newest confirmed test was sent; None: never."""
    arrived = AlertCheck.objects.filter(address=settings.ALERT_EMAIL, confirmed_at__isnull=False)
    newest = arrived.order_by("-sent_at").first()
    return newest.sent_at if newest and settings.ALERT_EMAIL else None
