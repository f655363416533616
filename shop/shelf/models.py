"""What supervisors were told of banks that wait for a pack, and where their cells lie.

Append-only.
"""

from __future__ import annotations

from typing import Any

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


class ShelfPlace(models.Model):
    """B8: a cell was laid on a shelf, unlinked and covered; the newest counts until it moves."""

    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="shelf_places")
    shelf = models.CharField(max_length=40)  # as it stands on the shelf
    unlinked = models.BooleanField()
    covered = models.BooleanField()
    temperature_c = models.FloatField(null=True, blank=True)  # of the shelf; None: nobody read it
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                name="shelved_unlinked_and_covered",
                condition=models.Q(unlinked=True, covered=True),
            ),
            models.CheckConstraint(
                name="shelf_temperature",
                condition=models.Q(temperature_c__isnull=True)
                | models.Q(temperature_c__range=(-20.0, 60.0)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.cell} on {self.shelf}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        where = {"cell": self.cell_id, "shelf": self.shelf, "temperature_c": self.temperature_c}
        ticked = {"unlinked": self.unlinked, "covered": self.covered}
        return {"id": self.pk, **where, **ticked, "by": self.by_id, "at": self.at}
