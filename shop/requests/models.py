"""Which changing requests were done, so that one that is sent again is not done again."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class DoneRequest(models.Model):
    """One request that somebody named with a key, and the answer that it got.

    Written in the transaction of its effect: both are there, or neither.  Neither key nor
    request is stored, only their SHA-256.
    """

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key_sha256 = models.CharField(max_length=64)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)  # of HTTP; 0 until it is done
    answer = models.TextField(blank=True)  # as it was sent; "" where it is made again
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="one_request_per_key", fields=("by", "key_sha256")),
        )
        indexes = (models.Index(name="done_request_age", fields=("at",)),)

    def __str__(self) -> str:
        return f"{self.key_sha256[:8]}: {self.status}"
