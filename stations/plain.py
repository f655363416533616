"""Frozen values to plain JSON data and back.

Dataclasses become objects, times ISO text, lengths of time seconds, NaN null.  A class that
stands in a union carries `TAGGED = True` and is written with its name under "type".
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """A JSON-ready copy of `value`."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset | set):
        return sorted(to_plain(item) for item in value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        tag = {"type": type(value).__name__} if getattr(value, "TAGGED", False) else {}
        return tag | {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """The value of type `kind` that `to_plain` wrote; a missing key takes the field's default.

    Raises ValueError naming the key that does not fit.
    """
    result: T = _restore(kind, plain, kind.__name__)
    return result


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _restore(kind: Any, plain: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _restore_union(arguments, plain, where)
    if origin is tuple:
        inner = arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else None
        if inner is None:
            return tuple(_restore(a, p, where) for a, p in zip(arguments, plain, strict=True))
        return tuple(_restore(inner, item, where) for item in plain)
    if origin is frozenset:
        return frozenset(_restore(arguments[0], item, where) for item in plain)
    if origin in (dict, Mapping):
        return dict(plain)
    if kind is float:
        return math.nan if plain is None else float(plain)
    if kind is datetime:
        return datetime.fromisoformat(plain)
    if kind is timedelta:
        return timedelta(seconds=plain)
    if is_dataclass(kind) and isinstance(kind, type):
        return _restore_dataclass(kind, plain, where)
    if kind is Any:
        return plain
    if not isinstance(plain, kind):
        raise ValueError(f"{where}: expected {kind.__name__}, got {plain!r}")
    return plain


def _restore_union(arguments: tuple[Any, ...], plain: Any, where: str) -> Any:
    if plain is None and type(None) in arguments:
        return None
    candidates = [a for a in arguments if a is not type(None)]
    if len(candidates) == 1:
        return _restore(candidates[0], plain, where)
    for candidate in candidates:
        if isinstance(plain, Mapping) and plain.get("type") == candidate.__name__:
            return _restore(candidate, plain, where)
    raise ValueError(f"{where}: none of {[c.__name__ for c in candidates]} in {plain!r}")


def _restore_dataclass(kind: type, plain: Any, where: str) -> Any:
    if not isinstance(plain, Mapping):
        raise ValueError(f"{where}: expected an object, got {plain!r}")
    hints = _hints(kind)
    known = {f.name for f in fields(kind)}
    unknown = set(plain) - known - {"type"}
    if unknown:
        raise ValueError(f"{where}: unknown key {sorted(unknown)[0]!r}")
    values = {
        name: _restore(hints[name], plain[name], f"{where}.{name}")
        for name in known
        if name in plain
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error
