"""Lead sets are equipment (B6): what lies between supply and bank, and at which station."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q


class LeadSet(models.Model):
    """A pair of cables, as it was made; append-only, another pair is another set."""

    class End(models.TextChoices):
        RING_6 = "ring_6", "6 mm ring lugs"
        RING_8 = "ring_8", "8 mm ring lugs"
        CLIP = "clip", "clips"
        BANANA = "banana", "banana plugs"

    label = models.CharField(max_length=40, unique=True)  # as it stands on the cables
    gauge_mm2 = models.FloatField()  # of one conductor
    length_m = models.FloatField()  # of one cable, one way
    end = models.CharField(max_length=8, choices=End.choices)  # at the bank
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["label"]
        constraints = (
            models.CheckConstraint(
                name="lead_set_is_a_cable", condition=Q(gauge_mm2__gt=0.0, length_m__gt=0.0)
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        made = {"label": self.label, "gauge_mm2": self.gauge_mm2, "length_m": self.length_m}
        return {"id": self.pk, **made, "end": self.end, "by": self.by_id, "at": self.at}


class LeadFitting(models.Model):
    """A set was put on a station's supply; append-only, the newest counts for set and station."""

    lead_set = models.ForeignKey(LeadSet, models.PROTECT, related_name="fittings")
    station = models.ForeignKey("shop.Station", models.PROTECT, related_name="lead_fittings")
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.lead_set} at {self.station}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        what = {"lead_set": self.lead_set_id, "station": self.station_id}
        return {"id": self.pk, **what, "by": self.by_id, "at": self.at}
