"""What a supervisor says of evidence: that it stands, or that it counts no more."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from shop.evidence.models.balances import Balance
from shop.evidence.models.checks import VoltageCheck
from shop.evidence.models.tested import CapacityTest


class Approval(models.Model):
    """A supervisor's word for one cell, bound to the evidence that was seen."""

    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="approvals")
    evidence_sha256 = models.CharField(max_length=64)
    evidence = models.JSONField()  # the canonical body that was hashed
    approved_by = models.ForeignKey("shop.User", models.PROTECT, related_name="approvals")
    approver_role = models.CharField(max_length=16)  # as it was that day
    at = models.DateTimeField()
    # Without a key only where it was given before approvals were signed.
    key = models.ForeignKey("shop.SigningKey", models.PROTECT, related_name="+", null=True)
    signature = models.CharField(max_length=128, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="one_approval_per_cell_and_evidence", fields=("cell", "evidence_sha256")
            ),
        )

    def __str__(self) -> str:
        return f"approval of {self.cell_id}"


class Supersession(models.Model):
    """A supervisor's word that one record stands for nothing any more, and why.

    The record stays as it was and stays the newest of its kind until there is a newer one: an
    older one does not come back in its place.
    """

    balance = models.OneToOneField(
        Balance, models.PROTECT, related_name="supersession", null=True, blank=True
    )
    voltage_check = models.OneToOneField(
        VoltageCheck, models.PROTECT, related_name="supersession", null=True, blank=True
    )
    capacity_test = models.OneToOneField(
        CapacityTest, models.PROTECT, related_name="supersession", null=True, blank=True
    )
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.CharField(max_length=500)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="supersession_of_one_record",
                condition=Q(
                    balance__isnull=False, voltage_check__isnull=True, capacity_test__isnull=True
                )
                | Q(balance__isnull=True, voltage_check__isnull=False, capacity_test__isnull=True)
                | Q(balance__isnull=True, voltage_check__isnull=True, capacity_test__isnull=False),
            ),
            models.CheckConstraint(name="supersession_says_why", condition=~Q(words="")),
        )

    def __str__(self) -> str:
        return self.words

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        of = {
            "balance": self.balance_id,
            "voltage_check": self.voltage_check_id,
            "capacity_test": self.capacity_test_id,
        }
        return {"id": self.pk, **of, "by": self.by_id, "at": self.at, "words": self.words}
