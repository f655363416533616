"""The public halves of the keys that evidence is signed with.  Append-only.

This table tells which key counted when.  It is no reason to trust a key: who may write to the
database could add one.  Trust comes from the files beside the private keys (`keyring`).
"""

from __future__ import annotations

from typing import Any

from django.db import models


class SigningKey(models.Model):
    """A public key, valid from its first use until it is retired."""

    class Purpose(models.TextChoices):
        MANIFESTS = "manifests", "manifests of runs"
        APPROVALS = "approvals", "approvals of cells"
        DECISIONS = "decisions", "decisions of the gate"
        AUDIT = "audit", "entries of the audit"

    key_id = models.CharField(max_length=16, unique=True)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    algorithm = models.CharField(max_length=16)
    public_key = models.CharField(max_length=64)  # raw, in hex
    valid_from = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.purpose} {self.key_id}"

    @property
    def named(self) -> dict[str, str]:
        """What a body that it signed says under "signature"."""
        return {"alg": self.algorithm, "key": self.key_id}


class KeyRetirement(models.Model):
    """From `at` on the key signs nothing; what it signed before stays good."""

    key = models.OneToOneField(SigningKey, models.PROTECT, related_name="retirement")
    at = models.DateTimeField()
    words = models.CharField(max_length=200)

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        return {"id": self.pk, "key": self.key.key_id, "at": self.at, "words": self.words}
