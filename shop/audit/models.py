"""What people did that no other record holds: log-ins, overrides, what left the shop, keys.

Append-only, numbered without a hole, each entry chained to the one before and signed.  A decision
of people that changes which evidence counts is told here too, word for word, so that its own
record can neither vanish nor appear unseen.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from shop.audit.chain import entry_body


class AuditEntry(models.Model):
    """One act; `by` is null where nobody proved who they are, `address` "" on the shop's host."""

    class Kind(models.TextChoices):
        LOGGED_IN = "LOGGED_IN", "logged in"
        LOG_IN_FAILED = "LOG_IN_FAILED", "failed to log in"
        LOGGED_OUT = "LOGGED_OUT", "logged out"
        CLAIM_TAKEN_BACK = "CLAIM_TAKEN_BACK", "took back a colleague's claim"
        DISPOSED = "DISPOSED", "decided on a nonconformance"
        SUPERSEDED = "SUPERSEDED", "superseded evidence"
        WITHDRAWN = "WITHDRAWN", "withdrew a calibration"
        STATION_REGISTERED = "STATION_REGISTERED", "registered a station"
        STATION_RENAMED = "STATION_RENAMED", "renamed a station"
        STATION_RETIRED = "STATION_RETIRED", "retired a station"
        INSTRUMENT_REGISTERED = "INSTRUMENT_REGISTERED", "registered an instrument"
        INSTRUMENT_FITTED = "INSTRUMENT_FITTED", "put an instrument on a station again"
        INSTRUMENT_TAKEN_OFF = "INSTRUMENT_TAKEN_OFF", "took an instrument off a station"
        CALIBRATED = "CALIBRATED", "recorded a calibration"
        POLICY_STORED = "POLICY_STORED", "stored a policy"
        RECIPE_STORED = "RECIPE_STORED", "stored a recipe"
        RECIPE_RETIRED = "RECIPE_RETIRED", "retired a recipe"
        RUN_GIVEN_UP = "RUN_GIVEN_UP", "ended a run whose bench is lost"
        CELL_TYPE_DEFINED = "CELL_TYPE_DEFINED", "named a cell type"
        CELL_TYPE_COMPLETED = "CELL_TYPE_COMPLETED", "said more of a cell type"
        CELLS_SHELVED = "CELLS_SHELVED", "put cells on a shelf"
        STUDS_FITTED = "STUDS_FITTED", "recorded the studs of a cell"
        LEADS_REGISTERED = "LEADS_REGISTERED", "registered a lead set"
        LEADS_FITTED = "LEADS_FITTED", "put leads on a station"
        IMPORTED = "IMPORTED", "imported capacity tests"
        COMMISSIONED = "COMMISSIONED", "took a bench's commissioning in"
        PACK_READ = "PACK_READ", "recorded a reading of a pack"
        COURSE_TAKEN = "COURSE_TAKEN", "took a course on a reading of a pack"
        TAKEN_APART = "TAKEN_APART", "took a pack apart"
        BALANCE_SKIPPED = "BALANCE_SKIPPED", "skipped a balance on evidence"
        SHARED = "SHARED", "made a link for a customer"
        UNSHARED = "UNSHARED", "revoked a customer's link"
        ALERT_CHECKED = "ALERT_CHECKED", "received a test alert"
        KEY_REPLACED = "KEY_REPLACED", "replaced a signing key"

    number = models.BigIntegerField(unique=True)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+", null=True, blank=True)
    at = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)  # integers and text
    prev_sha256 = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    # Without a key only where the key was not to be had; a verification names it.
    key = models.ForeignKey("shop.SigningKey", models.PROTECT, related_name="+", null=True)
    signature = models.CharField(max_length=128, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = (
            models.CheckConstraint(name="audit_counts_from_1", condition=Q(number__gte=1)),
        )

    def __str__(self) -> str:
        return f"{self.number}: {self.get_kind_display()}"

    def body(self, signature: dict[str, str]) -> dict[str, Any]:
        """What is hashed and signed."""
        return entry_body(
            number=self.number,
            kind=self.kind,
            by=self.by_id,
            at=self.at,
            address=self.address,
            data=self.data,
            prev_sha256=self.prev_sha256,
            signature=signature,
        )
