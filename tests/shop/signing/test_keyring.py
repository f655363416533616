"""T4: keys lie outside the database, private, and are never replaced in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from shop.signing.keyring import KeyUnusable, private_key, trusted_keys
from shop.signing.signatures import is_signed, key_id, named, sign

BODY = {"schema": "test/1", "value": 3650000}


def test_makes_a_private_key_on_first_use_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "keys"

    first, again = private_key(folder, "manifests"), private_key(folder, "manifests")

    assert key_id(first.public_key()) == key_id(again.public_key())
    assert (folder / "manifests.pem").stat().st_mode & 0o777 == 0o600
    assert list(trusted_keys(folder, "manifests")) == [key_id(first.public_key())]
    assert not trusted_keys(folder, "approvals")


def test_a_lost_key_is_said_and_not_replaced(tmp_path: Path) -> None:
    private_key(tmp_path, "manifests")
    (tmp_path / "manifests.pem").unlink()

    with pytest.raises(KeyUnusable, match=r"manifests\.pem is missing.* backup"):
        private_key(tmp_path, "manifests")


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [
        (0o644, None, "may be read by others"),
        (0o600, b"", "is damaged"),
        (0o600, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is damaged"),
    ],
)
def test_an_open_or_damaged_key_is_refused(
    tmp_path: Path, mode: int, content: bytes | None, words: str
) -> None:
    private_key(tmp_path, "manifests")
    path = tmp_path / "manifests.pem"
    path.chmod(mode)
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(KeyUnusable, match=words):
        private_key(tmp_path, "manifests")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(KeyUnusable, match="cannot be made or read"):
        private_key(tmp_path / "file" / "keys", "manifests")


def test_a_signature_holds_for_its_body_and_key_only(tmp_path: Path) -> None:
    key, other = private_key(tmp_path, "manifests"), private_key(tmp_path, "approvals")
    body = BODY | {"signature": named(key.public_key())}
    signature = sign(key, body)

    assert is_signed(key.public_key(), body, signature)
    assert not is_signed(other.public_key(), body, signature)
    assert not is_signed(key.public_key(), body | {"value": 3650001}, signature)
    assert not is_signed(key.public_key(), body, "00" + signature[2:])
    assert not is_signed(key.public_key(), body, "no hex")
