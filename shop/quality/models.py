"""Recorded departures and what was decided about them.  Append-only."""

from __future__ import annotations

from typing import Any

from django.db import models


class Nonconformance(models.Model):
    """Something is wrong, or may be, with a cell; open until a disposition stands."""

    class Kind(models.TextChoices):
        DISCONNECT_LOW = "DISCONNECT_LOW", "low at the disconnect check"
        READING_ABOVE_WINDOW = "READING_ABOVE_WINDOW", "reads above the window again"
        TRIPPED = "TRIPPED", "a protective limit was crossed"
        REVERSED = "REVERSED", "reversed polarity"
        RECHECK_LOW = "RECHECK_LOW", "low at the re-check"
        BOTTOM_APART = "BOTTOM_APART", "apart from its neighbours at the bottom"
        SELF_DISCHARGE = "SELF_DISCHARGE", "loses charge at rest"
        RESISTANCE_HIGH = "RESISTANCE_HIGH", "DC resistance too high"
        OTHER = "OTHER", "other"

    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="nonconformances")
    run = models.ForeignKey(
        "shop.Run", models.PROTECT, related_name="nonconformances", null=True, blank=True
    )
    kind = models.CharField(max_length=24, choices=Kind.choices)
    words = models.TextField()
    opened_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.words}"


class Disposition(models.Model):
    """A supervisor's decision that closes a nonconformance."""

    class Decision(models.TextChoices):
        USE_AS_IS = "USE_AS_IS", "use as is"
        REWORK = "REWORK", "rework"
        SCRAP = "SCRAP", "scrap"

    nonconformance = models.OneToOneField(
        Nonconformance, models.PROTECT, related_name="disposition"
    )
    decision = models.CharField(max_length=16, choices=Decision.choices)
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.TextField()

    def __str__(self) -> str:
        return self.get_decision_display()

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        about = {"nonconformance": self.nonconformance_id, "decision": self.decision}
        who = {"by": self.by_id, "at": self.at, "words": self.words}
        return {"id": self.pk, **about, **who}
