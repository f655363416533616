"""Whether an alert arrives, tried out; and what was told of runs that nobody stayed with (F4)."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AlertCheck(models.Model):
    """A test alert.  That a mail server took it proves little, so who received it says its code.

    `code_sha256` is of the check's number and its code; `error` is what sending it came to.
    """

    address = models.CharField(max_length=200)
    code_sha256 = models.CharField(max_length=64)
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    error = models.CharField(max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"alert check {self.pk}"


class RunAlert(models.Model):
    """One state of an unattended run that somebody was told of, once."""

    run = models.ForeignKey("shop.Run", models.PROTECT, related_name="told")
    attempt = models.PositiveIntegerField()
    state = models.CharField(max_length=12)
    address = models.CharField(max_length=200)
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "attempt", "state"], name="one_alert_of_a_state_per_attempt"
            )
        ]

    def __str__(self) -> str:
        return f"run {self.run_id} {self.state}"
