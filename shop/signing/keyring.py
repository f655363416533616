"""Signing keys as files outside the database: `<folder>/<purpose>.pem`, mode 0600.

Made by whoever signs first.  Beside it lies `<purpose>-<key id>.pub`, which stays when the key is
exchanged: these files, not the database, say whose signatures this host believes.  A public file
without its private key means that the key was lost, and is never answered by a new one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shop.refusals import Problem, Refusal
from shop.signing.signatures import key_id


class KeyUnusable(Refusal):
    """Nothing can be signed, or checked, with the key that is there."""


def private_key(folder: Path, purpose: str) -> Ed25519PrivateKey:
    """The key that this host signs with, made on first use; raises KeyUnusable."""
    path = folder / f"{purpose}.pem"
    try:
        if not path.exists():
            _make(folder, purpose, path)
        _refuse_open(path)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise _unusable(path, f"cannot be made or read ({error.strerror})") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, f"is damaged ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "is not an Ed25519 key")
    _publish(folder, purpose, key.public_key())
    return key


def trusted_keys(folder: Path, purpose: str) -> Mapping[str, Ed25519PublicKey]:
    """By key id, every public key that this host believes for `purpose`; raises KeyUnusable."""
    found = {}
    for path in sorted(folder.glob(f"{purpose}-*.pub")):
        try:
            key = load_pem_public_key(path.read_bytes())
        except OSError as error:
            raise _unusable(path, f"cannot be read ({error.strerror})") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _unusable(path, f"is damaged ({error})") from error
        if not isinstance(key, Ed25519PublicKey):
            raise _unusable(path, "is not an Ed25519 key")
        found[key_id(key)] = key
    return found


def replace_key(folder: Path, purpose: str) -> Ed25519PrivateKey:
    """A new key from now on, whatever became of the old one; raises KeyUnusable."""
    path = folder / f"{purpose}.pem"
    fresh = path.with_name(f"{path.name}.new")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        _write_once(fresh, _new_pem(), mode=0o600)
        fresh.replace(path)
    except OSError as error:
        raise _unusable(path, f"cannot be replaced ({error.strerror})") from error
    return private_key(folder, purpose)


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _make(folder: Path, purpose: str, path: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Whoever is first publishes after linking, so a public file means that there was a key.
    if any(folder.glob(f"{purpose}-*.pub")) and not path.exists():
        raise _unusable(path, "is missing, and things were signed with it")
    _write_once(path, _new_pem(), mode=0o600)


def _publish(folder: Path, purpose: str, public: Ed25519PublicKey) -> None:
    path = folder / f"{purpose}-{key_id(public)}.pub"
    if path.exists():
        return
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        _write_once(path, pem, mode=0o644)
    except OSError as error:
        raise _unusable(path, f"cannot be written ({error.strerror})") from error


def _write_once(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all; the file of whoever was first stays."""
    scratch = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, path)
    except FileExistsError:
        pass
    finally:
        scratch.unlink()


def _refuse_open(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise _unusable(path, f"may be read by others (mode {mode:04o}, not 0600)")


def _unusable(path: Path, words: str) -> KeyUnusable:
    return KeyUnusable(
        [
            Problem(
                "signing_key",
                f"The signing key {path} {words}.",
                "Restore it from a backup (its owner must be the user that runs this process), "
                "set CELLSHOP_KEYS to the folder of the keys, or begin a new one with "
                "`manage.py new_signing_key`.",
            )
        ]
    )
