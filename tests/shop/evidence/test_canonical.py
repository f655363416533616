"""The canonical body: integers and text, the same for the same evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from math import nan
from typing import Any

from shop.evidence.canonical import APPROVED_FIELDS, canonical_body, sha256_of
from tests.shop.evidence.builders import NOW, balance, capacity, cell, disconnect


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def test_holds_integers_text_booleans_and_nulls_only() -> None:
    body = canonical_body(cell("C-1"))

    assert set(body) == {"schema", *APPROVED_FIELDS}
    assert {type(leaf) for leaf in leaves(body)} <= {int, str, bool, type(None)}
    assert body["disconnect"]["voltage_v"] == 3_641_000


def test_a_time_is_the_same_in_any_zone() -> None:
    lagos = timezone(timedelta(hours=1))
    known = cell("C-1", capacity=capacity(tested_at=NOW))

    moved = replace(known, capacity=capacity(tested_at=NOW.astimezone(lagos)))

    assert moved.sha256 == known.sha256


def test_what_is_no_number_is_null_and_has_a_hash() -> None:
    body = canonical_body(cell("C-1", approve=False, balance=balance(tail_a=nan)))

    assert body["balance"]["tail_a"] is None
    assert len(sha256_of(body)) == 64


def test_later_rechecks_approvals_and_packs_leave_the_hash_alone() -> None:
    known = cell("C-1")

    later = replace(
        known, recheck=disconnect(kind="RECHECK"), packed_in="P-1", approvals=(), run_since=9
    )

    assert later.sha256 == known.sha256
