"""A signature, and a manifest with its own, as rows have them."""

from __future__ import annotations

from datetime import datetime

from shop.readings.models import Manifest
from shop.signing.models import SigningKey
from shop.verification.seals import Signature, StoredManifest


def signature_of(key: SigningKey | None, signature: str, at: datetime) -> Signature:
    """`key` with its retirement selected."""
    if key is None:
        return Signature("", signature, at, None)
    retirement = getattr(key, "retirement", None)
    return Signature(key.key_id, signature, at, retirement.at if retirement else None)


def stored_manifest(row: Manifest) -> StoredManifest:
    """`row` with its key and that key's retirement selected."""
    signature = signature_of(row.key, row.signature, row.recorded_at)
    return StoredManifest(row.pk, row.run_id, row.attempt, row.body, row.sha256, signature)
