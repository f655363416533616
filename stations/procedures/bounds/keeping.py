"""Numbers that somebody named, held to their bounds: every key that does not fit.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any, Protocol

from stations.values import Window

Bounds = Mapping[str, Window]
Ordered = tuple[tuple[str, str], ...]


class Bounded(Protocol):
    """A module of this package."""

    @property
    def BOUNDS(self) -> Bounds: ...  # noqa: N802  constants of a module
    @property
    def ORDERED(self) -> Ordered: ...  # noqa: N802


_OF_TYPE = ("str", "bool", "int")


def wrong(
    kind: type[Any], named: Mapping[str, Any], bounds: Bounds, ordered: Ordered
) -> list[tuple[str, str]]:
    """Every key of `named` that does not fit the dataclass `kind`, and what is wrong with it.

    What is not named takes its default, or is missing.
    """
    found = list(_unfit(kind, named, bounds))
    found += [
        (field.name, "is missing")
        for field in fields(kind)
        if field.name not in named and field.default is field.default_factory is MISSING
    ]
    unusable = {key for key, _ in found}
    whole: dict[str, Any] = {field.name: field.default for field in fields(kind)}
    whole |= named
    found += [
        (low, f"must not exceed {high!r}")
        for low, high in ordered
        if not unusable & {low, high} and not whole[low] <= whole[high]
    ]
    return found


def _unfit(kind: type[Any], named: Mapping[str, Any], bounds: Bounds) -> Iterator[tuple[str, str]]:
    types = {field.name: field.type for field in fields(kind)}
    for key, value in named.items():
        if key not in types:
            yield key, f"is not known; allowed are {', '.join(sorted(types))}"
        elif types[key] == "float" and type(value) not in (int, float):
            yield key, "must be a number"
        elif types[key] in _OF_TYPE and type(value).__name__ != types[key]:
            yield key, f"must be of type {types[key]}"
        elif key in bounds and not bounds[key].contains(value):
            window = bounds[key]
            yield key, f"is {value}, outside {window.low:g} … {window.high:g}"
