"""From a refusal to what HTTP says about it: one place for pages and REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shop.refusals import Problem, Refusal, RoleRefusal
from shop.requests.services import KeyUsed

FORBIDDEN, UNKNOWN, CONFLICT, UNPROCESSABLE = 403, 404, 409, 422


def status_of(refusal: Refusal) -> int:
    if isinstance(refusal, RoleRefusal):
        return FORBIDDEN
    if isinstance(refusal, KeyUsed):
        return UNPROCESSABLE
    if all(problem.code == "unknown_serial" for problem in refusal.problems):
        return UNKNOWN
    return CONFLICT


def title_of(refusal: Refusal) -> str:
    titles = {FORBIDDEN: "Your role may not do this", UNKNOWN: "Unknown"}
    return titles.get(status_of(refusal), "This cannot be done now")


def one_problem(code: str, words: str, fix: str = "") -> Refusal:
    """A refusal made at the edge, before any service was asked."""
    return Refusal([Problem(code, words, fix)])


def wrong_fields(detail: Any, where: str = "") -> list[str]:
    """DRF's nested detail as a flat list that names each field."""
    if isinstance(detail, Mapping):
        return [w for key, inner in detail.items() for w in wrong_fields(inner, _join(where, key))]
    if isinstance(detail, list):
        return [w for inner in detail for w in wrong_fields(inner, where)]
    return [f"{where.removesuffix('.non_field_errors') or 'body'}: {detail}"]


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)
