"""What is known of a pack after it was assembled.  Append-only."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from shop.care.rules import Course, spread_v


class PackReading(models.Model):
    """Every cell of a pack, or group of cells in parallel, at one moment."""

    pack = models.ForeignKey("shop.Pack", models.PROTECT, related_name="readings")
    cells_v = models.JSONField()  # volts by position in series, from the most negative
    at_top = models.BooleanField()  # at full voltage with little current, where millivolts show
    taken_at = models.DateTimeField()
    months = models.PositiveSmallIntegerField(null=True, blank=True)  # the spread has been growing
    measured_by = models.CharField(max_length=100)  # instrument or app, as it was told
    # Measured by a run at the end of its hold, and sealed with it; else told by a person.
    run = models.OneToOneField(
        "shop.Run", models.PROTECT, related_name="pack_reading", null=True, blank=True
    )
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["pack", "taken_at", "id"]

    def __str__(self) -> str:
        return f"reading of {self.pack_id}"

    @property
    def spread_v(self) -> float:
        return spread_v(self.cells_v)

    @property
    def spread_mv(self) -> float:
        return 1000 * self.spread_v

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        what = {"pack": self.pack_id, "cells_v": self.cells_v, "at_top": self.at_top}
        how = {"months": self.months or 0, "measured_by": self.measured_by}
        when = {"taken_at": self.taken_at, "by": self.by_id, "recorded_at": self.recorded_at}
        return {"id": self.pk, **what, **how, **when}


class Recovery(models.Model):
    """The course that was taken on a reading, once; for a hold, the job that holds."""

    reading = models.OneToOneField(PackReading, models.PROTECT, related_name="recovery")
    course = models.CharField(max_length=16, choices=[(c.value, c.value.lower()) for c in Course])
    job = models.ForeignKey("shop.Job", models.PROTECT, related_name="+", null=True, blank=True)
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "recoveries"

    def __str__(self) -> str:
        return f"{self.course} on {self.reading_id}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        what = {"reading": self.reading_id, "course": self.course, "job": self.job_id or 0}
        return {"id": self.pk, **what, "by": self.by_id, "at": self.at}


class Disassembly(models.Model):
    """A pack was taken apart; its cells are free, and what was measured before is history."""

    pack = models.OneToOneField("shop.Pack", models.PROTECT, related_name="disassembly")
    words = models.TextField()
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "disassemblies"

    def __str__(self) -> str:
        return f"{self.pack_id} taken apart"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        who = {"by": self.by_id, "at": self.at, "words": self.words}
        return {"id": self.pk, "pack": self.pack_id, **who}


class BalanceSkip(models.Model):
    """B18: the assembled pack gave its rating, so a further balance was skipped."""

    pack = models.ForeignKey("shop.Pack", models.PROTECT, related_name="skips")
    capacity_ah = models.FloatField()
    rated_ah = models.FloatField()
    tested_at = models.DateTimeField()
    measured_by = models.CharField(max_length=100)
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="skip_meets_rating", condition=Q(capacity_ah__gte=models.F("rated_ah"))
            ),
        )

    def __str__(self) -> str:
        return f"balance of {self.pack_id} skipped"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        what = {"pack": self.pack_id, "capacity_ah": self.capacity_ah, "rated_ah": self.rated_ah}
        how = {"tested_at": self.tested_at, "measured_by": self.measured_by}
        return {"id": self.pk, **what, **how, "by": self.by_id, "at": self.at}
