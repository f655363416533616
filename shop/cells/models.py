"""Cells, the batches they came in, and the types that they are.

A cell has no stored state: what it may do next is computed from its evidence.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from shop.cells.rules import FIGURES


class CellType(models.Model):
    """Limits and ratings of one maker's model, from the datasheet that is named.

    What it says stays; what it left unsaid may be added.  Another revision is another type.
    """

    maker = models.CharField(max_length=100)
    model = models.CharField(max_length=100)
    datasheet = models.CharField(max_length=200)  # document and revision
    capacity_ah = models.FloatField()
    charge_voltage_max_v = models.FloatField(default=3.65)
    discharge_voltage_min_v = models.FloatField(default=2.50)
    charge_c_max = models.FloatField(default=0.5)  # 1/h
    # 1/h, continuous; unknown where nobody read it off the datasheet: then nothing is held to it
    discharge_c_max = models.FloatField(null=True, blank=True)
    # newton metres, of a nut on its posts (F7); likewise
    torque_nm = models.FloatField(null=True, blank=True)
    r_typical_ohm = models.FloatField(default=0.0002)

    class Meta:
        ordering = ["maker", "model"]
        constraints = [
            models.UniqueConstraint(
                fields=["maker", "model", "datasheet"], name="cell_type_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(capacity_ah__range=(0.1, 10_000.0)), name="cell_type_capacity"
            ),
            # LiFePO4: outside these volts a datasheet was misread.
            models.CheckConstraint(
                condition=models.Q(charge_voltage_max_v__range=(3.4, 3.8))
                & models.Q(discharge_voltage_min_v__range=(1.8, 3.0)),
                name="cell_type_voltages",
            ),
            models.CheckConstraint(
                condition=models.Q(charge_c_max__range=(0.01, 10.0))
                & models.Q(r_typical_ohm__range=(0.000_01, 0.1)),
                name="cell_type_rates",
            ),
            models.CheckConstraint(
                condition=models.Q(discharge_c_max__isnull=True)
                | models.Q(discharge_c_max__range=(0.01, 10.0)),
                name="cell_type_discharge",
            ),
            models.CheckConstraint(
                condition=models.Q(torque_nm__isnull=True) | models.Q(torque_nm__range=(0.5, 30.0)),
                name="cell_type_torque",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.maker} {self.model}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        named = {"maker": self.maker, "model": self.model, "datasheet": self.datasheet}
        figures = {figure.name: getattr(self, figure.name) for figure in FIGURES}
        return {"id": self.pk, **named, **figures}


class Batch(models.Model):
    """One delivery: our code, the supplier's lot."""

    code = models.CharField(max_length=40, unique=True)
    supplier = models.CharField(max_length=100)
    supplier_lot = models.CharField(max_length=100, blank=True)
    cell_type = models.ForeignKey(CellType, on_delete=models.PROTECT, related_name="batches")
    received_on = models.DateField()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Cell(models.Model):
    """One cell: our serial on its label, the maker's code as printed."""

    serial = models.CharField(max_length=60, unique=True)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="cells")
    maker_code = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["serial"]

    def __str__(self) -> str:
        return self.serial


class StudFitting(models.Model):
    """F7: a stud that was screwed into a cell's post; append-only, once in a cell's life.

    Nuts come and go; a stud that is fitted again has worn the aluminium thread of the post.
    """

    cell = models.ForeignKey(Cell, on_delete=models.PROTECT, related_name="stud_fittings")
    thread_locker = models.CharField(max_length=100)  # product, or "none"
    words = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey("shop.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["cell", "id"]

    def __str__(self) -> str:
        return f"studs of {self.cell}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        what = {"cell": self.cell_id, "thread_locker": self.thread_locker, "words": self.words}
        return {"id": self.pk, **what, "by": self.by_id, "at": self.at}
