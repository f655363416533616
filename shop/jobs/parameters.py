"""Stored parameters as the frozen value that they name, or every key that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from shop.jobs.described.said import Said
from shop.refusals import Problem, Refusal
from stations.plain import from_plain
from stations.values import Window

T = TypeVar("T")

Parameters = Mapping[str, Any]
Bounds = Mapping[str, Window]
Described = Mapping[str, Said]
Ordered = tuple[tuple[str, str], ...]  # (lower, upper): the first must not exceed the second


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
    found = _key_problems(kind, parameters, bounds, described)
    unusable = {problem.about for problem in found}
    whole: dict[str, Any] = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    whole |= parameters
    found += [
        wrong(low, f"must not exceed {high!r}")
        for low, high in ordered
        if not unusable & {low, high} and not whole[low] <= whole[high]
    ]
    if found:
        raise Refusal(found)
    return from_plain(kind, parameters)


def _key_problems(
    kind: Any, parameters: Parameters, bounds: Bounds, described: Described
) -> list[Problem]:
    types = {field.name: field.type for field in fields(kind)}
    found = []
    for key, value in parameters.items():
        if key not in types:
            found.append(wrong(key, f"is not known; allowed are {', '.join(sorted(types))}"))
        elif types[key] == "float" and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            found.append(wrong(key, "must be a number"))
        elif types[key] in ("str", "bool", "int") and type(value).__name__ != types[key]:
            found.append(wrong(key, f"must be of type {types[key]}"))
        elif key in bounds and not bounds[key].contains(value):
            window = bounds[key]
            found.append(wrong(key, f"is {value}, outside {window.low:g} … {window.high:g}"))
        elif key in described and described[key].choices and value not in described[key].choices:
            known = " or ".join(map(repr, described[key].choices))
            found.append(wrong(key, f"must be {known}"))
    return found


def wrong(key: str, words: str) -> Problem:
    """The problem of one parameter."""
    return Problem(
        "wrong_parameter",
        f"Parameter {key!r} {words}.",
        "Correct it and store the version again.",
        about=key,
    )
