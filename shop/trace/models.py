"""Links by which a customer sees one pack without an account."""

from __future__ import annotations

from django.db import models


class TraceLink(models.Model):
    """An unguessable, revocable link; the secret itself is never stored, only its SHA-256."""

    pack = models.ForeignKey("shop.Pack", models.PROTECT, related_name="trace_links")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"link to {self.pack_id}"
