"""Evidence as canonical JSON over integers and strings, so that a hash never changes by rounding.

Canonical form: RFC 8785 (JSON Canonicalization Scheme).  A quantity becomes an integer in
millionths of the unit that its name says (`voltage_v` 3.641 is written 3641000), a time UTC
text to the microsecond.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from shop.evidence.values import CellEvidence

SCHEMA = "cell-evidence/1"
APPROVAL_SCHEMA = "cell-approval/1"
MILLIONTHS = 1_000_000
# Metadata of a field that is in no hash while it is None: there were hashes before it came.
LATER: Mapping[str, bool] = {"later": True}

# What an approver judges.  The rest of CellEvidence changes without a new approval.
APPROVED_FIELDS = (
    "serial",
    "cell_type",
    "rated_ah",
    "capacity",
    "balance",
    "pre_parallel",
    "disconnect",
    "nonconformances",
)


def canonical_body(evidence: CellEvidence) -> dict[str, Any]:
    """The part of `evidence` that an approval binds to, in canonical types."""
    body = {name: plain(getattr(evidence, name)) for name in APPROVED_FIELDS}
    return {"schema": SCHEMA} | body


def approval_body(
    *,
    cell: str,
    evidence_sha256: str,
    approved_by: int,
    approver_role: str,
    at: datetime,
    signature: Mapping[str, str],
) -> dict[str, Any]:
    """What the office signs of an approval: whose word, in which role, when, on which evidence."""
    return {
        "schema": APPROVAL_SCHEMA,
        "cell": cell,
        "evidence_sha256": evidence_sha256,
        "approved_by": approved_by,
        "approver_role": approver_role,
        "at": plain(at),
        "signature": dict(signature),
    }


def sha256_of(body: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the RFC 8785 form of `body`."""
    return hashlib.sha256(rfc8785.dumps(dict(body))).hexdigest()


def plain(value: Any) -> Any:
    """Integers, text, booleans, null, lists and objects; what is no number becomes null.

    A field that is marked LATER is left out while it is None.
    """
    if isinstance(value, float):
        return round(value * MILLIONTHS) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return plain({name: getattr(value, name) for name in _said(value)})
    return value


def _said(value: Any) -> list[str]:
    """The fields of a dataclass that it says something in."""
    names = ((field.name, field.metadata.get("later")) for field in fields(value))
    return [name for name, later in names if not later or getattr(value, name) is not None]
