"""A stored version field by field, as a person reads it, and what differs between two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shop.jobs.described.policy import POLICY
from shop.jobs.parameters import Described, Parameters
from shop.jobs.policies import POLICY_BOUNDS, policy_defaults
from shop.jobs.procedures import procedure_of
from stations.procedures.bounds.keeping import Bounds
from stations.values import Window

Value = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter: what it is, its default, and the bounds of a number."""

    name: str
    default: Value
    unit: str
    does: str
    source: str
    bounds: Window | None = None
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return {bool: "yes or no", int: "whole number", str: "word"}.get(
            type(self.default), "number"
        )


@dataclass(frozen=True, slots=True)
class Difference:
    field: Field
    old: Value
    new: Value


def recipe_fields(procedure: str) -> tuple[Field, ...]:
    """Every parameter of a recipe of `procedure`, in the order of its dataclass."""
    recipe = procedure_of(procedure).recipe
    return _fields(recipe.defaults(), recipe.BOUNDS, recipe.SAID)


def policy_fields() -> tuple[Field, ...]:
    return _fields(policy_defaults(), POLICY_BOUNDS, POLICY)


def values_of(fields: tuple[Field, ...], parameters: Parameters) -> dict[str, Value]:
    """Of every field: what is not stored takes its default."""
    return {field.name: parameters.get(field.name, field.default) for field in fields}


def differences(fields: tuple[Field, ...], old: Parameters, new: Parameters) -> list[Difference]:
    """The fields in which two versions differ, in order."""
    before, after = values_of(fields, old), values_of(fields, new)
    return [
        Difference(field, before[field.name], after[field.name])
        for field in fields
        if before[field.name] != after[field.name]
    ]


def _fields(defaults: Mapping[str, Any], bounds: Bounds, said: Described) -> tuple[Field, ...]:
    return tuple(
        Field(
            name,
            default,
            said[name].unit,
            said[name].does,
            said[name].source,
            bounds.get(name),
            said[name].choices,
        )
        for name, default in defaults.items()
    )
