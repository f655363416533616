"""What supervisors were told of banks that wait for a pack.  Append-only."""

from __future__ import annotations

from django.db import models

from shop.shelf.rules import Reminder


class Alert(models.Model):
    """One reminder about one bank, raised once; `run` is what the bank's clock counts from."""

    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Reminder])
    run = models.ForeignKey("shop.Run", models.PROTECT, related_name="alerts")
    due_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    words = models.CharField(max_length=300)

    class Meta:
        ordering = ("-due_at", "-id")
        constraints = (
            # Exactly once, however many beats and office workers there are.
            models.UniqueConstraint(name="one_alert_of_a_kind_per_run", fields=("run", "kind")),
        )

    def __str__(self) -> str:
        return self.words
