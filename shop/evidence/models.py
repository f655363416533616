"""What was measured, tested, balanced and approved.  Append-only; status is derived from it.

Voltages are volts at the cell's own posts, individually, unloaded.  `at` stamps are process
time (the bench clock), `received_at` and `recorded_at` are wall time; ages of evidence count in
wall time from `current_stopped_received_at`.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

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
