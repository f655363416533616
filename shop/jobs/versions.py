"""Recipe and policy versions: stored once, never edited; a change is a new version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.jobs.models import PolicyVersion, Recipe, RecipeVersion
from shop.jobs.policies import policy_of
from shop.jobs.procedures import PARALLEL_TOP_BALANCE, procedure_of
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, StaleTransition


def store_recipe(
    *,
    name: str,
    parameters: Mapping[str, Any],
    by: User,
    now: datetime,
    procedure: str = PARALLEL_TOP_BALANCE,
) -> RecipeVersion:
    """The next version of the recipe called `name`; raises Refusal naming every wrong key.

    Every version of a recipe is of one procedure.
    """
    require(by.role, Act.DEFINE)
    procedure_of(procedure).recipe.recipe_of(parameters)
    try:
        with transaction.atomic():
            recipe, _ = Recipe.objects.get_or_create(name=name)
            if recipe.versions.exclude(procedure=procedure).exists():
                raise Refusal([_other_procedure(name)])
            last = recipe.versions.aggregate(last=Max("version"))["last"] or 0
            return RecipeVersion.objects.create(
                recipe=recipe,
                version=last + 1,
                procedure=procedure,
                parameters=dict(parameters),
                created_by=by,
                created_at=now,
            )
    except IntegrityError as error:
        raise StaleTransition(f"Recipe {name}", "at the version that was seen") from error


def _other_procedure(name: str) -> Problem:
    return Problem(
        "other_procedure",
        f"Recipe {name} is of another procedure.",
        "Give the new one a name of its own.",
    )


def store_policy(*, parameters: Mapping[str, Any], by: User, now: datetime) -> PolicyVersion:
    """The next policy, in force from now; raises Refusal naming every wrong key."""
    require(by.role, Act.DEFINE)
    policy_of(parameters)
    last = PolicyVersion.objects.aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            policy = PolicyVersion.objects.create(
                version=last + 1, parameters=dict(parameters), created_by=by, created_at=now
            )
            audit.record(kind=AuditEntry.Kind.POLICY_STORED, by=by, now=now, of=policy)
    except IntegrityError as error:
        raise StaleTransition("The policy", "at the version that was seen") from error
    return policy
