"""How a run balanced its cells, as one bank or each alone."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Balance(models.Model):
    """How one run balanced one group: by what method, to what target, how completely.

    `tail_a` is the last current with the ammeter's zero taken out, `done_a` and `partial_a` the
    limits that applied, `cv_s` the process time in the CV hold, `charge_ah` what went in.  Cells
    that were emptied have no hold, the last current of their taper is the tail, and what came
    out is below 0.
    """

    class Method(models.TextChoices):
        TOP = "TOP", "top balance"
        TOP_STEP = "TOP_STEP", "step-and-pause top balance"
        TOP_CELL = "TOP_CELL", "individual top balance"
        BOTTOM = "BOTTOM", "bottom balance"

    class Completeness(models.TextChoices):
        COMPLETE = "COMPLETE", "complete"
        PARTIAL = "PARTIAL", "partial"

    run = models.OneToOneField("shop.Run", models.PROTECT, related_name="balance")
    method = models.CharField(max_length=8, choices=Method.choices)
    target_v = models.FloatField()
    completeness = models.CharField(max_length=8, choices=Completeness.choices)
    remark = models.CharField(max_length=200, blank=True)
    tail_a = models.FloatField()
    done_a = models.FloatField()
    partial_a = models.FloatField()
    cv_s = models.FloatField()
    charge_ah = models.FloatField()
    policy_version = models.ForeignKey("shop.PolicyVersion", models.PROTECT, related_name="+")
    recipe_version = models.ForeignKey("shop.RecipeVersion", models.PROTECT, related_name="+")
    manifest_sha256 = models.CharField(max_length=64)
    simulated = models.BooleanField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="balance_limits_are_ordered", condition=Q(done_a__lte=F("partial_a"))
            ),
            models.CheckConstraint(
                name="complete_only_below_the_partial_limit",
                condition=~Q(completeness="COMPLETE") | Q(tail_a__lte=F("partial_a")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_method_display()} to {self.target_v:.3f} V, {self.completeness}"


class CellBalance(models.Model):
    """One cell of the balanced group, at its place in the bank.

    The rest is its own where cells were driven one by one, else "" or null: the group's holds.
    `rested_v` is where an emptied cell stood at the end of its rest.
    """

    balance = models.ForeignKey(Balance, models.PROTECT, related_name="cells")
    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="balances")
    position = models.PositiveSmallIntegerField()
    completeness = models.CharField(
        max_length=8, choices=Balance.Completeness.choices, blank=True, default=""
    )
    remark = models.CharField(max_length=200, blank=True, default="")
    tail_a = models.FloatField(null=True, blank=True)
    cv_s = models.FloatField(null=True, blank=True)
    charge_ah = models.FloatField(null=True, blank=True)
    rested_v = models.FloatField(null=True, blank=True)
    current_stopped_at = models.DateTimeField(null=True, blank=True)
    current_stopped_received_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(name="cell_once_per_balance", fields=("balance", "cell")),
            models.UniqueConstraint(
                name="position_once_per_balance", fields=("balance", "position")
            ),
            models.CheckConstraint(
                name="cell_balance_has_all_its_figures_or_none",
                condition=Q(
                    completeness="",
                    tail_a__isnull=True,
                    cv_s__isnull=True,
                    charge_ah__isnull=True,
                    current_stopped_received_at__isnull=True,
                )
                | ~Q(completeness="")
                & Q(tail_a__isnull=False, cv_s__isnull=False, charge_ah__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.cell_id} at {self.position}"

    @property
    def drawn_ah(self) -> float | None:
        """What came out of a cell that was emptied; of one that was charged it is below 0."""
        return None if self.charge_ah is None else -self.charge_ah
