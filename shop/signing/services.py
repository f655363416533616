"""Signing with this host's key, its public half recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from shop.refusals import Problem, Refusal
from shop.signing import keyring, signatures
from shop.signing.models import KeyRetirement, SigningKey


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, with the row that names its public half."""

    key: SigningKey
    private: Ed25519PrivateKey

    @property
    def named(self) -> dict[str, str]:
        """What the body must say under "signature" before it is signed."""
        return signatures.named(self.private.public_key())

    def sign(self, body: Mapping[str, Any]) -> str:
        """Hex; `body` carries `schema` and `signature`, see `signatures`."""
        return signatures.sign(self.private, body)


def ready(purpose: SigningKey.Purpose) -> None:
    """Raise KeyUnusable now rather than at the end of a night."""
    keyring.private_key(settings.CELLSHOP_KEYS, purpose.value)


def signer(purpose: SigningKey.Purpose, *, now: datetime) -> Signer:
    """This host's key for `purpose`, recorded on first use; raises KeyUnusable."""
    private = keyring.private_key(settings.CELLSHOP_KEYS, purpose.value)
    public = private.public_key()
    key, _ = SigningKey.objects.get_or_create(
        key_id=signatures.key_id(public),
        defaults={
            "purpose": purpose,
            "algorithm": signatures.ALGORITHM,
            "public_key": signatures.raw(public).hex(),
            "valid_from": now,
        },
    )
    return Signer(key, private)


def replace(
    purpose: SigningKey.Purpose, *, retired_key_id: str, words: str, now: datetime
) -> SigningKey:
    """Sign with a new key from now on; the retired one signs nothing any more.

    What it signed before stays good.  `words` say why, for those who verify later.
    """
    retired = SigningKey.objects.filter(purpose=purpose, key_id=retired_key_id).first()
    if retired is None or hasattr(retired, "retirement"):
        known = SigningKey.objects.filter(purpose=purpose, retirement=None)
        names = ", ".join(known.values_list("key_id", flat=True)) or "none yet"
        raise Refusal(
            [
                Problem(
                    "unknown_key",
                    f"No key {retired_key_id!r} signs {purpose}.",
                    f"Those that do: {names}.",
                )
            ]
        )
    keyring.replace_key(settings.CELLSHOP_KEYS, purpose.value)
    KeyRetirement.objects.create(key=retired, at=now, words=words[:200])
    return signer(purpose, now=now).key
