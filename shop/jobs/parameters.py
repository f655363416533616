"""Stored parameters as the frozen value that they name, or every key that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from shop.refusals import Problem, Refusal
from stations.plain import from_plain
from stations.values import Window

T = TypeVar("T")

Parameters = Mapping[str, Any]
Bounds = Mapping[str, Window]
Ordered = tuple[tuple[str, str], ...]  # (lower, upper): the first must not exceed the second


def read(
    kind: type[T],
    parameters: Parameters,
    bounds: Bounds,
    ordered: Ordered,
) -> T:
    """The value of `kind` that `parameters` name, within `bounds`; the rest takes its default.

    `ordered` are pairs of which the first must not exceed the second.  Raises Refusal naming
    every key that does not fit.
    """
    found = _key_problems(kind, parameters, bounds)
    if found:
        raise Refusal(found)
    value = from_plain(kind, parameters)
    found = [
        wrong(low, f"must not exceed {high!r}")
        for low, high in ordered
        if not getattr(value, low) <= getattr(value, high)
    ]
    if found:
        raise Refusal(found)
    return value


def _key_problems(kind: Any, parameters: Parameters, bounds: Bounds) -> list[Problem]:
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
    return found


def wrong(key: str, words: str) -> Problem:
    """The problem of one parameter."""
    return Problem(
        "wrong_parameter", f"Parameter {key!r} {words}.", "Correct it and store the version again."
    )
