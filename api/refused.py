"""From a refusal to what HTTP says about it: one place for pages and REST."""

from __future__ import annotations

from shop.refusals import Problem, Refusal, RoleRefusal

FORBIDDEN, UNKNOWN, CONFLICT = 403, 404, 409


def status_of(refusal: Refusal) -> int:
    if isinstance(refusal, RoleRefusal):
        return FORBIDDEN
    if all(problem.code == "unknown_serial" for problem in refusal.problems):
        return UNKNOWN
    return CONFLICT


def title_of(refusal: Refusal) -> str:
    titles = {FORBIDDEN: "Your role may not do this", UNKNOWN: "Unknown"}
    return titles.get(status_of(refusal), "This cannot be done now")


def one_problem(code: str, words: str, fix: str = "") -> Refusal:
    """A refusal made at the edge, before any service was asked."""
    return Refusal([Problem(code, words, fix)])
