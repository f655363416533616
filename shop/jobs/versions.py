"""Recipe and policy versions: stored once, never edited; a change is a new version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.jobs.models import PolicyVersion, Recipe, RecipeRetirement, RecipeVersion
from shop.jobs.policies import policy_of
from shop.jobs.procedures import PARALLEL_TOP_BALANCE, procedure_of
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal, StaleTransition, reason_problems, refuse

NAME_MAX = 100


def store_recipe(
    *,
    name: str,
    parameters: Mapping[str, Any],
    by: User,
    now: datetime,
    procedure: str = PARALLEL_TOP_BALANCE,
    reason: str = "",
) -> RecipeVersion:
    """The next version of the recipe called `name`; raises Refusal naming every wrong key.

    Every version of a recipe is of one procedure, and has a `reason` from the second on.
    """
    require(by.role, Act.DEFINE)
    known = RecipeVersion.objects.filter(recipe__name=name)
    refuse(
        [
            *_wrong(procedure_of(procedure).recipe.recipe_of, parameters),
            *_name_problems(name),
            *_reason_problems(reason, needed=known.exists()),
        ]
    )
    try:
        with transaction.atomic():
            recipe, _ = Recipe.objects.get_or_create(name=name)
            if recipe.versions.exclude(procedure=procedure).exists():
                raise Refusal([_other_procedure(name)])
            last = recipe.versions.aggregate(last=Max("version"))["last"] or 0
            stored = RecipeVersion.objects.create(
                recipe=recipe,
                version=last + 1,
                procedure=procedure,
                parameters=dict(parameters),
                reason=reason.strip(),
                created_by=by,
                created_at=now,
            )
            audit.record(kind=AuditEntry.Kind.RECIPE_STORED, by=by, now=now, of=stored)
            return stored
    except IntegrityError as error:
        raise StaleTransition(f"Recipe {name}", "at the version that was seen") from error


def _other_procedure(name: str) -> Problem:
    return Problem(
        "other_procedure",
        f"Recipe {name} is of another procedure.",
        "Give the new one a name of its own.",
    )


def retire_recipe(
    *, version: RecipeVersion, words: str, by: User, now: datetime
) -> RecipeRetirement:
    """No new job is made by this version from now on; nothing else changes."""
    require(by.role, Act.DEFINE)
    refuse(_reason_problems(words, needed=True))
    try:
        with transaction.atomic():
            made = RecipeRetirement.objects.create(
                version=version, words=words.strip(), by=by, at=now
            )
            audit.record(kind=AuditEntry.Kind.RECIPE_RETIRED, by=by, now=now, of=made)
    except IntegrityError as error:
        raise StaleTransition(str(version), "in use") from error
    return made


def store_policy(
    *, parameters: Mapping[str, Any], by: User, now: datetime, reason: str = ""
) -> PolicyVersion:
    """The next policy, in force from now; raises Refusal naming every wrong key.

    It has a `reason` from the second on.
    """
    require(by.role, Act.DEFINE)
    wanted = PolicyVersion.objects.exists()
    refuse([*_wrong(policy_of, parameters), *_reason_problems(reason, needed=wanted)])
    last = PolicyVersion.objects.aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            policy = PolicyVersion.objects.create(
                version=last + 1,
                parameters=dict(parameters),
                reason=reason.strip(),
                created_by=by,
                created_at=now,
            )
            audit.record(kind=AuditEntry.Kind.POLICY_STORED, by=by, now=now, of=policy)
    except IntegrityError as error:
        raise StaleTransition("The policy", "at the version that was seen") from error
    return policy


def _wrong(
    reads: Callable[[Mapping[str, Any]], object], parameters: Mapping[str, Any]
) -> list[Problem]:
    """What `reads` refuses of the parameters."""
    try:
        reads(parameters)
    except Refusal as refusal:
        return refusal.problems
    return []


def _name_problems(name: str) -> list[Problem]:
    if name.strip() == name and 0 < len(name) <= NAME_MAX:
        return []
    words = "A recipe has a name of its own."
    fix = f"Give it one of at most {NAME_MAX} letters, without spaces around it."
    return [Problem("name", words, fix, about="name")]


def _reason_problems(reason: str, *, needed: bool) -> list[Problem]:
    if not (needed or reason.strip()):
        return []
    return reason_problems(reason, "A change has a reason.", about="reason")
