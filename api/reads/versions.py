"""A stored version of a recipe, or of the policy, as a person or a program reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse

from api import words
from shop.jobs.fields import (
    Difference,
    Field,
    Value,
    differences,
    policy_fields,
    recipe_fields,
    values_of,
)
from shop.jobs.models import PolicyVersion, RecipeRetirement, RecipeVersion
from shop.jobs.parameters import Parameters
from shop.people.models import User


@dataclass(frozen=True, slots=True)
class Row:
    """One field with what the version says; `wrong` is what was refused of what was `typed`."""

    field: Field
    value: Value
    typed: str = ""
    wrong: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return words.parameter(self.value, self.field.unit)

    @property
    def default(self) -> str:
        return words.parameter(self.field.default, self.field.unit)

    @property
    def bounds(self) -> str:
        """The numbers between which it may be chosen, or the words."""
        if self.field.choices:
            return " or ".join(self.field.choices)
        window = self.field.bounds
        if window is None:
            return ""
        low, high = (words.parameter(n, self.field.unit) for n in (window.low, window.high))
        return f"{low} … {high}"

    @property
    def is_default(self) -> bool:
        return self.value == self.field.default


@dataclass(frozen=True, slots=True)
class Stored:
    """`key` names it in an address: the id of a recipe's version, the number of a policy."""

    family: str  # "recipe" or "policy"
    key: int
    name: str
    version: int
    procedure: str
    fields: tuple[Field, ...]
    parameters: Parameters
    by: User
    at: datetime
    reason: str
    retirement: RecipeRetirement | None = None

    @property
    def page(self) -> str:
        return reverse(f"pages:{self.family}-version", args=[self.key])

    @property
    def words(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def rows(self) -> list[Row]:
        values = values_of(self.fields, self.parameters)
        return [Row(field, values[field.name]) for field in self.fields]

    def since(self, earlier: Stored) -> list[Difference]:
        """In what this version differs from an earlier one."""
        return differences(self.fields, earlier.parameters, self.parameters)


def recipe_versions() -> QuerySet[RecipeVersion]:
    """Every version, those of one recipe together, newest first."""
    rows = RecipeVersion.objects.select_related("recipe", "created_by", "retirement__by")
    return rows.order_by("recipe__name", "-version")


def policy_versions() -> QuerySet[PolicyVersion]:
    return PolicyVersion.objects.select_related("created_by").order_by("-version")


def of_recipe(row: RecipeVersion) -> Stored:
    return Stored(
        family="recipe",
        key=row.pk,
        name=row.recipe.name,
        version=row.version,
        procedure=row.procedure,
        fields=recipe_fields(row.procedure),
        parameters=row.parameters,
        by=row.created_by,
        at=row.created_at,
        reason=row.reason,
        retirement=getattr(row, "retirement", None),
    )


def of_policy(row: PolicyVersion) -> Stored:
    return Stored(
        family="policy",
        key=row.version,
        name="Policy",
        version=row.version,
        procedure="",
        fields=policy_fields(),
        parameters=row.parameters,
        by=row.created_by,
        at=row.created_at,
        reason=row.reason,
    )


def siblings(stored: Stored) -> list[Stored]:
    """The other versions of the same recipe, or of the policy, newest first."""
    if stored.family == "policy":
        return [of_policy(row) for row in policy_versions() if row.version != stored.version]
    rows = recipe_versions().filter(recipe__name=stored.name).exclude(pk=stored.key)
    return [of_recipe(row) for row in rows]
