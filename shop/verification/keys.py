"""A signature as a row has it."""

from __future__ import annotations

from datetime import datetime

from shop.signing.models import SigningKey
from shop.verification.seals import Signature


def signature_of(key: SigningKey | None, signature: str, at: datetime) -> Signature:
    """`key` with its retirement selected."""
    if key is None:
        return Signature("", signature, at, None)
    retirement = getattr(key, "retirement", None)
    return Signature(key.key_id, signature, at, retirement.at if retirement else None)
