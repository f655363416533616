"""Voltages of cells: each measured individually, at its own posts, unloaded."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from stations.procedures.state import Taken


class VoltageCheck(models.Model):
    """Every cell of a group measured individually by one meter, output proven off.

    `again_*`: the first cell as it read once more at the end, where a person went from post to
    post (G6); its role says that the meter was read by hand.
    """

    class Kind(models.TextChoices):
        PRE_PARALLEL = "PRE_PARALLEL", "pre-parallel check"
        DISCONNECT = "DISCONNECT", "disconnect check"
        RECHECK = "RECHECK", "re-check"
        BOTTOM = "BOTTOM", "bottom check"
        WATCH = "WATCH", "self-discharge check"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    run = models.ForeignKey(
        "shop.Run", models.PROTECT, related_name="voltage_checks", null=True, blank=True
    )
    meter = models.ForeignKey("shop.Instrument", models.PROTECT, related_name="voltage_checks")
    target_v = models.FloatField()
    # Null before any current has flowed, and where nobody knows.
    current_stopped_at = models.DateTimeField(null=True, blank=True)
    current_stopped_received_at = models.DateTimeField(null=True, blank=True)
    # Of a second self-discharge check: the first one, whose cells these are.
    compared_with = models.OneToOneField(
        "self", models.PROTECT, related_name="compared_by", null=True, blank=True
    )
    temperature_c = models.FloatField(null=True, blank=True)  # null: nobody measured it
    policy_version = models.ForeignKey("shop.PolicyVersion", models.PROTECT, related_name="+")
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    simulated = models.BooleanField()
    recorded_at = models.DateTimeField()
    again_position = models.PositiveSmallIntegerField(null=True, blank=True)
    again_v = models.FloatField(null=True, blank=True)
    again_at = models.DateTimeField(null=True, blank=True)
    again_received_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="voltage_check_again_is_whole",
                condition=Q(
                    again_position__isnull=True,
                    again_v__isnull=True,
                    again_at__isnull=True,
                    again_received_at__isnull=True,
                )
                | Q(
                    again_position__isnull=False,
                    again_v__isnull=False,
                    again_at__isnull=False,
                    again_received_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="voltage_check_knows_when_current_stopped",
                condition=Q(kind__in=("PRE_PARALLEL", "WATCH"))
                | Q(current_stopped_at__isnull=False, current_stopped_received_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="one_voltage_check_of_a_kind_per_stop_of_a_run",
                fields=("run", "kind", "current_stopped_at"),
                condition=Q(run__isnull=False),
            ),
            models.CheckConstraint(
                name="only_a_self_discharge_check_is_compared",
                condition=Q(compared_with__isnull=True) | Q(kind="WATCH"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def again(self) -> Taken | None:
        """The first cell's second reading."""
        position, voltage_v = self.again_position, self.again_v
        at, received_at = self.again_at, self.again_received_at
        if position is None or voltage_v is None or at is None or received_at is None:
            return None
        return Taken(
            position=position,
            voltage_v=voltage_v,
            at=at,
            received_at=received_at,
            meter=self.meter.serial_number,
        )


class CellVoltage(models.Model):
    """One cell in a check, with the window that was applied that day."""

    class Verdict(models.TextChoices):
        PASS = "PASS", "pass"
        MARGINAL = "MARGINAL", "marginal"
        FAIL = "FAIL", "fail"
        INVALID = "INVALID", "invalid"
        MISSING = "MISSING", "missing"
        UNSEEN = "UNSEEN", "not observable"

    # Not `check`: Django's models keep that name for themselves.
    voltage_check = models.ForeignKey(VoltageCheck, models.PROTECT, related_name="cells")
    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="voltages")
    position = models.PositiveSmallIntegerField()
    voltage_v = models.FloatField(null=True, blank=True)  # null: no valid reading
    low_v = models.FloatField(null=True, blank=True)  # null: no window at that age
    high_v = models.FloatField(null=True, blank=True)
    age_s = models.FloatField(null=True, blank=True)  # process time since current stopped
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    verdict = models.CharField(max_length=8, choices=Verdict.choices)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="one_voltage_per_cell_and_check", fields=("voltage_check", "cell")
            ),
            models.UniqueConstraint(
                name="one_voltage_per_position_and_check", fields=("voltage_check", "position")
            ),
            models.CheckConstraint(
                name="no_verdict_without_voltage",
                condition=Q(voltage_v__isnull=False) | Q(verdict__in=("INVALID", "MISSING")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.voltage_v} V, {self.get_verdict_display()}"
