"""Readings, stored once as chunks, and the manifest that ends a run's attempt."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from shop.jobs.models import Run
from shop.signing.models import SigningKey


class ReadingChunk(models.Model):
    """Some 60 to 600 readings in one row; shop.readings.chunks documents the payload.

    `prev_last_seq` names the chunk before (a reference within run and attempt, made in the
    second migration), null for the first; with both keys unique the database itself refuses
    overlap, gap and fork.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="chunks")
    attempt = models.PositiveIntegerField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    prev_last_seq = models.BigIntegerField(null=True)
    count = models.PositiveIntegerField()
    columns = models.JSONField()  # names, in the payload's order
    payload = models.BinaryField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["run", "attempt", "last_seq"]
        constraints = [
            models.UniqueConstraint(fields=["run", "attempt", "last_seq"], name="chunk_key"),
            models.UniqueConstraint(
                fields=["run", "attempt", "prev_last_seq"],
                nulls_distinct=False,
                name="chunk_no_fork",
            ),
            models.CheckConstraint(
                condition=Q(prev_last_seq__isnull=True, first_seq=1)
                | Q(prev_last_seq__isnull=False, first_seq=F("prev_last_seq") + 1),
                name="chunk_follows",
            ),
            models.CheckConstraint(
                condition=Q(count=F("last_seq") - F("first_seq") + 1) & Q(count__gte=1),
                name="chunk_contiguous",
            ),
        ]


class Manifest(models.Model):
    """What one attempt of a run left behind, as canonical JSON under one hash, signed.

    Without a key only where it was sealed before manifests were signed.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="manifests")
    attempt = models.PositiveIntegerField()
    body = models.JSONField()
    sha256 = models.CharField(max_length=64)
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="+", null=True)
    signature = models.CharField(max_length=128, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "attempt"], name="manifest_one_per_attempt")
        ]
