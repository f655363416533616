"""Stations, the instruments on them, their calibration, and the lease on driving them."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from shop.equipment.states import UNWIRED, InstrumentRole, OutputState
from stations.commissioning import report as reports
from stations.commissioning.report import Report


class Station(models.Model):
    """A place with a worker; `host` is the machine that its instruments hang on."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    host = models.CharField(max_length=100, default="localhost")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        return {"id": self.pk, "slug": self.slug, "name": self.name, "host": self.host}

    @property
    def is_retired(self) -> bool:
        return hasattr(self, "retirement")

    @property
    def wired(self) -> list[Instrument]:
        """The instruments that its bench itself can ask."""
        return [known for known in self.instruments.all() if known.role not in UNWIRED]


class StationRetirement(models.Model):
    """The station takes no job any more; append-only, and what was done there stays."""

    station = models.OneToOneField(Station, models.PROTECT, related_name="retirement")
    words = models.CharField(max_length=500)
    by = models.ForeignKey("shop.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.station} retired"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        what = {"station": self.station_id, "words": self.words}
        return {"id": self.pk, **what, "by": self.by_id, "at": self.at}


class Instrument(models.Model):
    """One device, known by its serial number; it lies at one station, or at none any more."""

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="instruments", null=True, blank=True
    )
    role = models.CharField(max_length=16, choices=[(r.value, r.value) for r in InstrumentRole])
    driver = models.CharField(max_length=60)  # key of stations.drivers.registry.DRIVERS
    model = models.CharField(max_length=60)
    serial_number = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["station", "role"]
        constraints = [
            models.UniqueConstraint(fields=["station", "role"], name="instrument_one_per_role"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.serial_number}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it, anew when it moves."""
        who = {"role": self.role, "model": self.model, "serial_number": self.serial_number}
        return {"id": self.pk, "station": self.station_id, "driver": self.driver} | who


class Calibration(models.Model):
    """A certificate's span of validity; append-only, the newest that was not withdrawn counts."""

    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="calibrations"
    )
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    certificate = models.CharField(max_length=100)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["instrument", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("valid_from")), name="calibration_span"
            )
        ]

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        span = {"valid_from": self.valid_from, "valid_until": self.valid_until}
        about = {"instrument": self.instrument_id, "certificate": self.certificate}
        return {"id": self.pk, **about, **span, "recorded_at": self.recorded_at}


class CalibrationWithdrawal(models.Model):
    """From `at` on the certificate counts for nothing, also for what was measured before."""

    calibration = models.OneToOneField(
        Calibration, on_delete=models.PROTECT, related_name="withdrawal"
    )
    by = models.ForeignKey("shop.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(words=""), name="withdrawal_says_why"),
        ]

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        who = {"by": self.by_id, "at": self.at, "words": self.words}
        return {"id": self.pk, "calibration": self.calibration_id, **who}


class Commissioning(models.Model):
    """What a person at the bench saw of it; append-only, the newest measured counts.

    `document` is the bench's report word for word (`stations.commissioning.report`), `sha256` its
    hash; what the other columns say of it is for looking it up.
    """

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="commissionings")
    document = models.TextField()
    sha256 = models.CharField(max_length=64, unique=True)
    measured_at = models.DateTimeField()
    passed = models.BooleanField()
    by = models.ForeignKey("shop.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["station", "-measured_at", "-id"]

    @cached_property
    def report(self) -> Report:
        return reports.read(self.document.encode())

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it; the hash is of the document as it is now."""
        document = hashlib.sha256(self.document.encode()).hexdigest()
        facts = {"station": self.station_id, "measured_at": self.measured_at, "passed": self.passed}
        return {"id": self.pk, "document": document, "by": self.by_id, "at": self.at} | facts


class StationLease(models.Model):
    """A worker's fenced right to drive one station, only while a run lives.

    `token` only grows; the database's clock decides `expires_at`.  Output state, heartbeat and
    alarm are what the guardian last said through the uplink.
    """

    station = models.OneToOneField(
        Station, on_delete=models.PROTECT, primary_key=True, related_name="lease"
    )
    owner = models.UUIDField(null=True, blank=True)
    boot_id = models.CharField(max_length=64, blank=True)
    run = models.ForeignKey(
        "shop.Run", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    token = models.BigIntegerField(default=0, db_default=0)
    expires_at = models.DateTimeField(null=True, blank=True)
    output_state = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in OutputState],
        default=OutputState.UNKNOWN.value,
    )
    output_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    alarm = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(output_state__in=[s.value for s in OutputState]),
                name="lease_output_state_known",
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=True, run__isnull=True)
                | Q(owner__isnull=False, run__isnull=False, expires_at__isnull=False),
                name="lease_whole",
            ),
        ]
