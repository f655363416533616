"""Ed25519 over canonical JSON (RFC 8032, RFC 8785).  Pure: keys come in, signatures go out.

What is signed says its own `schema` and under "signature" the `alg` and the key's id, so that
neither can be exchanged without breaking the signature, and so that software of a later day
knows how to check what is old.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALGORITHM = "ed25519"
KEY_ID_LENGTH = 16  # hex digits of SHA-256 over the raw public key


def raw(public: Ed25519PublicKey) -> bytes:
    """The 32 bytes of a public key."""
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(public: Ed25519PublicKey) -> str:
    return hashlib.sha256(raw(public)).hexdigest()[:KEY_ID_LENGTH]


def named(public: Ed25519PublicKey) -> dict[str, str]:
    """What a body that will be signed says under "signature"."""
    return {"alg": ALGORITHM, "key": key_id(public)}


def sign(private: Ed25519PrivateKey, body: Mapping[str, Any]) -> str:
    """The signature, in hex, over the canonical bytes of `body`."""
    return private.sign(rfc8785.dumps(dict(body))).hex()


def is_signed(public: Ed25519PublicKey, body: Mapping[str, Any], signature: str) -> bool:
    """Whether `signature` is over exactly this body, by this key."""
    try:
        public.verify(bytes.fromhex(signature), rfc8785.dumps(dict(body)))
    except (InvalidSignature, ValueError):  # ValueError: not hex, or a body without canonical form
        return False
    return True
