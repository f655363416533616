"""Packs, what they are made of, and every decision of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import Q

from shop.evidence.canonical import plain

DECISION_SCHEMA = "gate-decision/1"


class PackDesign(models.Model):
    """So many cells in series and parallel, for an application, with a BMS."""

    class Application(models.TextChoices):
        SOLAR = "SOLAR", "solar storage"
        STATIONARY = "STATIONARY", "stationary storage"
        EV = "EV", "electric vehicle or frequent full discharge"

    name = models.CharField(max_length=100, unique=True)
    series = models.PositiveSmallIntegerField()
    parallel = models.PositiveSmallIntegerField(default=1)
    application = models.CharField(max_length=16, choices=Application.choices)
    bms_model = models.CharField(max_length=100)
    bms_over_voltage_v = models.FloatField()  # per cell, the run-time setting
    bms_active_balance_a = models.FloatField(default=0.0)  # 0: passive

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="pack_design_has_cells", condition=Q(series__gte=1, parallel__gte=1)
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def cell_count(self) -> int:
        return self.series * self.parallel


class Pack(models.Model):
    """An assembled pack; its cells are its placements."""

    serial = models.CharField(max_length=64, unique=True)
    design = models.ForeignKey(PackDesign, models.PROTECT, related_name="packs")
    customer = models.ForeignKey(
        "shop.Customer", models.PROTECT, related_name="packs", null=True, blank=True
    )
    simulated = models.BooleanField(default=False)  # may rest on evidence of simulated benches
    sample = models.BooleanField(default=False)
    assembled_by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    assembled_at = models.DateTimeField()

    class Meta:
        constraints = (models.CheckConstraint(name="pack_has_a_serial", condition=~Q(serial="")),)

    def __str__(self) -> str:
        return self.serial


class Placement(models.Model):
    """One cell at its place in a pack, from 1 at the most negative group, P by P."""

    pack = models.ForeignKey(Pack, models.PROTECT, related_name="placements")
    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="placements")
    position = models.PositiveSmallIntegerField()
    placed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            # G10 at any isolation level: one cell, one pack.
            models.UniqueConstraint(
                name="cell_in_one_pack", fields=("cell",), condition=Q(removed_at__isnull=True)
            ),
            models.UniqueConstraint(
                name="one_cell_per_pack_position",
                fields=("pack", "position"),
                condition=Q(removed_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.cell_id} in {self.pack_id} at {self.position}"


class GateDecision(models.Model):
    """What the gate said, about which plan, on what findings.  Append-only, refusals included."""

    pack = models.OneToOneField(
        Pack, models.PROTECT, related_name="gate_decision", null=True, blank=True
    )
    plan = models.JSONField()
    findings = models.JSONField()
    allowed = models.BooleanField()
    policy_version = models.ForeignKey("shop.PolicyVersion", models.PROTECT, related_name="+")
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    # Without a key only where it was made before decisions were signed.
    key = models.ForeignKey("shop.SigningKey", models.PROTECT, related_name="+", null=True)
    signature = models.CharField(max_length=128, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="a_pack_exists_only_where_allowed",
                condition=Q(allowed=True, pack__isnull=False) | Q(allowed=False, pack__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return "allowed" if self.allowed else "refused"

    def body(self, signature: Mapping[str, str]) -> dict[str, Any]:
        """What the office signs: plan and evidence, every finding, whose request, and the answer.

        A pack is named by the serial in the plan, for it may have no row yet.
        """
        body: dict[str, Any] = plain(
            {
                "schema": DECISION_SCHEMA,
                "plan": self.plan,
                "findings": self.findings,
                "allowed": self.allowed,
                "policy_version": self.policy_version_id,
                "by": self.by_id,
                "at": self.at,
                "signature": signature,
            }
        )
        return body
