"""Stored parameters as the frozen value that they name, or every key that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from shop.jobs.described.said import Said
from shop.refusals import Problem, Refusal
from stations.plain import from_plain
from stations.procedures.bounds import keeping
from stations.procedures.bounds.keeping import Bounds, Ordered

T = TypeVar("T")

Parameters = Mapping[str, Any]
Described = Mapping[str, Said]


def read(
    kind: type[T],
    parameters: Parameters,
    bounds: Bounds,
    ordered: Ordered,
    described: Described,
) -> T:
    """The value of `kind` that `parameters` name, within `bounds`; the rest takes its default.

    `ordered` are pairs of which the first must not exceed the second, `described` says which
    words a text may be.  Raises Refusal naming every key that does not fit.
    """
    unfit = keeping.wrong(kind, parameters, bounds, ordered)
    named = {key for key, _ in unfit}
    found = [wrong(key, words) for key, words in unfit]
    found += [
        wrong(key, f"must be {' or '.join(map(repr, described[key].choices))}")
        for key, value in parameters.items()
        if key in described and described[key].choices and key not in named
        if value not in described[key].choices
    ]
    if found:
        raise Refusal(found)
    return from_plain(kind, parameters)


def wrong(key: str, words: str) -> Problem:
    """The problem of one parameter."""
    return Problem(
        "wrong_parameter",
        f"Parameter {key!r} {words}.",
        "Correct it and store the version again.",
        about=key,
    )
