"""An entry of the audit in canonical form; each holds the hash of the one before.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shop.evidence.canonical import plain

SCHEMA = "audit-entry/1"
GENESIS = "0" * 64


def entry_body(
    *,
    number: int,
    kind: str,
    by: int | None,
    at: datetime,
    address: str,
    data: Mapping[str, Any],
    prev_sha256: str,
    signature: Mapping[str, str],
) -> dict[str, Any]:
    body: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "number": number,
            "kind": kind,
            "by": by,
            "at": at,
            "address": address,
            "data": data,
            "prev_sha256": prev_sha256,
            "signature": signature,
        }
    )
    return body
