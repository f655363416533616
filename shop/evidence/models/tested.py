"""What one cell can hold, and what it drops under current."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q


class CapacityTest(models.Model):
    """What a cell can hold: measured at a station, or imported with the file it came from."""

    class Source(models.TextChoices):
        MEASURED = "MEASURED", "measured here"
        IMPORTED = "IMPORTED", "imported from a file"

    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="capacity_tests")
    source = models.CharField(max_length=8, choices=Source.choices)
    capacity_ah = models.FloatField()
    tested_at = models.DateTimeField()
    energy_wh = models.FloatField(null=True, blank=True)
    temperature_c = models.FloatField(null=True, blank=True)
    discharge_c_rate = models.FloatField(null=True, blank=True)
    instrument_text = models.CharField(max_length=100, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    row = models.PositiveIntegerField(null=True, blank=True)  # line of the file, header = 1
    imported_by = models.ForeignKey(
        "shop.User", models.PROTECT, related_name="+", null=True, blank=True
    )
    # Of one measured here: the run, and the manifest that has its figures.
    run = models.ForeignKey(
        "shop.Run", models.PROTECT, related_name="capacity_tests", null=True, blank=True
    )
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    simulated = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="one_capacity_test_per_run_and_cell", fields=("run", "cell")
            ),
            models.CheckConstraint(
                name="capacity_of_a_run_names_its_manifest",
                condition=Q(run__isnull=True)
                | Q(source="MEASURED", manifest_sha256__regex="^[0-9a-f]{64}$"),
            ),
            models.CheckConstraint(name="capacity_is_positive", condition=Q(capacity_ah__gt=0.0)),
            models.CheckConstraint(
                name="import_names_its_file_row_and_person",
                condition=~Q(source="IMPORTED")
                | Q(
                    file_sha256__regex="^[0-9a-f]{64}$",
                    row__isnull=False,
                    imported_by__isnull=False,
                ),
            ),
            # Holds "the same file twice" under any race.
            models.UniqueConstraint(
                name="one_capacity_test_per_file_row",
                fields=("file_sha256", "row"),
                condition=~Q(file_sha256=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.capacity_ah:.1f} Ah, {self.get_source_display()}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it: one that was imported."""
        of = {"cell": self.cell_id, "source": self.source, "by": self.imported_by_id}
        file = {"file_name": self.file_name, "file_sha256": self.file_sha256, "row": self.row}
        figures = {
            "capacity_ah": self.capacity_ah,
            "tested_at": self.tested_at,
            "energy_wh": self.energy_wh,
            "temperature_c": self.temperature_c,
            "discharge_c_rate": self.discharge_c_rate,
            "instrument_text": self.instrument_text,
        }
        return {"id": self.pk, **of, **file, **figures, "recorded_at": self.recorded_at}


class ResistanceTest(models.Model):
    """DC resistance of one cell by a current step: volts before it less volts in it, over amps.

    Milliohms; `u_mohm` is by how much the value may be off for what the samples tell.  The
    limits are those of that day; `early_mohm` is null where no sample was early enough.
    """

    class Verdict(models.TextChoices):
        PASS = "PASS", "pass"
        MARGINAL = "MARGINAL", "marginal"
        FAIL = "FAIL", "fail"
        INVALID = "INVALID", "invalid"

    cell = models.ForeignKey("shop.Cell", models.PROTECT, related_name="resistance_tests")
    run = models.OneToOneField("shop.Run", models.PROTECT, related_name="resistance_test")
    r_mohm = models.FloatField()
    u_mohm = models.FloatField()
    after_s = models.FloatField()  # since the current came on
    early_mohm = models.FloatField(null=True, blank=True)
    early_after_s = models.FloatField()
    current_a = models.FloatField()
    rested_v = models.FloatField()  # just before the step
    low_mohm = models.FloatField()
    warn_mohm = models.FloatField()
    fail_mohm = models.FloatField()
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    tested_at = models.DateTimeField()
    meter_text = models.CharField(max_length=100)
    load_text = models.CharField(max_length=100)
    manifest_sha256 = models.CharField(max_length=64)
    simulated = models.BooleanField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="resistance_is_positive", condition=Q(r_mohm__gt=0.0, current_a__gt=0.0)
            ),
            models.CheckConstraint(
                name="resistance_names_its_manifest",
                condition=Q(manifest_sha256__regex="^[0-9a-f]{64}$"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.r_mohm:.3f} mΩ after {self.after_s:g} s"
