"""Changing a frozen value, for where that is done with every sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")
Setter = Callable[[Any, Any], None]


def changed(value: T, **new: Any) -> T:
    """What `dataclasses.replace` gives, at a third of its time; `value` where nothing is new.

    For dataclasses with slots and without a `__post_init__`.  Raises AttributeError or KeyError
    with the name of a field that there is not.
    """
    for name, given in new.items():
        if getattr(value, name) is not given:
            break
    else:
        return value
    kind: Any = type(value)
    read, setters = _slots(kind)
    copy: T = object.__new__(kind)
    for setter, kept in zip(setters.values(), read(value), strict=False):  # as many: a field each
        setter(copy, kept)
    for name, given in new.items():
        setters[name](copy, given)
    return copy


@cache
def _slots(kind: Any) -> tuple[Callable[[Any], tuple[Any, ...]], Mapping[str, Setter]]:
    names = [field.name for field in fields(kind)]
    return attrgetter(*names), {name: getattr(kind, name).__set__ for name in names}
