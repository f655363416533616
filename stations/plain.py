"""Frozen values to plain JSON data and back.

Dataclasses become objects, times ISO text, lengths of time seconds, NaN null.  A class that
stands in a union carries `TAGGED = True` and is written with its name under "type".  A field
that is marked LATER is left out while it holds its default: there were hashes before it came.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
LATER: Mapping[str, bool] = {"later": True}  # metadata of such a field
_PLAIN = (str, int, bool, type(None))
Restorer = Callable[[Any, str], Any]  # of plain data, and of where it stands for the words


def to_plain(value: Any) -> Any:
    """A JSON-ready copy of `value`."""
    if type(value) in _PLAIN:
        return value
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
        return tag | {name: to_plain(given) for name, given in _said(value)}
    return value


def _said(value: Any) -> Iterator[tuple[str, Any]]:
    kind: Any = type(value)
    for name, default in _unsaid(kind):
        given = getattr(value, name)
        if default is MISSING or given != default:
            yield name, given


@cache
def _unsaid(kind: Any) -> list[tuple[str, Any]]:
    """Each field with the value at which it is left out, MISSING where it never is."""
    return [(f.name, f.default if f.metadata.get("later") else MISSING) for f in fields(kind)]


def from_plain(kind: type[T], plain: Any) -> T:
    """The value of type `kind` that `to_plain` wrote; a missing key takes the field's default.

    Raises ValueError naming the key that does not fit.
    """
    result: T = _restorer(cast(Hashable, kind))(plain, kind.__name__)
    return result


@cache
def _restorer(kind: Any) -> Restorer:
    """What restores a value of `kind`; asked once, for a reading is restored every second."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return partial(_union, arguments)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return partial(_all, tuple, _restorer(arguments[0]))
        return partial(_each, [_restorer(argument) for argument in arguments])
    if origin is frozenset:
        return partial(_all, frozenset, _restorer(arguments[0]))
    if origin in (dict, Mapping):
        return lambda plain, where: dict(plain)
    if kind is float:
        return lambda plain, where: math.nan if plain is None else float(plain)
    if kind is datetime:
        return lambda plain, where: datetime.fromisoformat(plain)
    if kind is timedelta:
        return lambda plain, where: timedelta(seconds=plain)
    if is_dataclass(kind) and isinstance(kind, type):
        return partial(_dataclass, kind)
    if kind is Any:
        return lambda plain, where: plain
    return partial(_as_it_is, kind)


def _all(make: type, restore: Restorer, plain: Any, where: str) -> Any:
    return make([restore(item, where) for item in plain])


def _each(restorers: list[Restorer], plain: Any, where: str) -> Any:
    return tuple(restore(item, where) for restore, item in zip(restorers, plain, strict=True))


def _as_it_is(kind: type, plain: Any, where: str) -> Any:
    if not isinstance(plain, kind):
        raise ValueError(f"{where}: expected {kind.__name__}, got {plain!r}")
    return plain


def _union(arguments: tuple[Any, ...], plain: Any, where: str) -> Any:
    if plain is None and type(None) in arguments:
        return None
    candidates = [a for a in arguments if a is not type(None)]
    if len(candidates) == 1:
        return _restorer(candidates[0])(plain, where)
    for candidate in candidates:
        if isinstance(plain, Mapping) and plain.get("type") == candidate.__name__:
            return _restorer(candidate)(plain, where)
    raise ValueError(f"{where}: none of {[c.__name__ for c in candidates]} in {plain!r}")


def _dataclass(kind: type, plain: Any, where: str) -> Any:
    if not isinstance(plain, Mapping):
        raise ValueError(f"{where}: expected an object, got {plain!r}")
    restorers = _fields(kind)
    unknown = plain.keys() - restorers.keys() - {"type"}
    if unknown:
        raise ValueError(f"{where}: unknown key {sorted(unknown)[0]!r}")
    values = {
        name: restore(plain[name], f"{where}.{name}")
        for name, restore in restorers.items()
        if name in plain
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


@cache
def _fields(kind: Any) -> dict[str, Restorer]:
    hints = get_type_hints(kind)
    return {f.name: _restorer(hints[f.name]) for f in fields(kind)}
