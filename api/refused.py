"""From a refusal to what HTTP says about it: one place for pages and REST."""

from __future__ import annotations

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
