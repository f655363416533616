"""`/recipes`: every stored version of the recipes and the policy, what differs, a new one."""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from api.idempotency import one_act
from api.pages.acts import acted, form, page, page_and_form, person, row_or_404
from api.reads.versions import (
    Row,
    Stored,
    of_policy,
    of_recipe,
    policy_versions,
    recipe_versions,
    siblings,
)
from api.refused import status_of
from api.words import plain_number
from shop import clock
from shop.jobs.fields import Field, Value
from shop.jobs.models import RecipeVersion
from shop.jobs.versions import retire_recipe, store_policy, store_recipe
from shop.people.roles import Act, may, require
from shop.refusals import Refusal, RoleRefusal


@page
def index(request: HttpRequest) -> HttpResponse:
    context = {
        "here": "recipes",
        "recipes": [of_recipe(row) for row in recipe_versions()],
        "policies": [of_policy(row) for row in policy_versions()],
    }
    return render(request, "recipes/index.html", context)


@page
def show(request: HttpRequest, family: str, key: int) -> HttpResponse:
    return _version_page(request, _stored(family, key))


@page
def since(request: HttpRequest, family: str, key: int, earlier: int) -> HttpResponse:
    """What differs between two versions, and nothing else."""
    new, old = _stored(family, key), _stored(family, earlier)
    if (new.family, new.name) != (old.family, old.name):
        raise Http404("These are not two versions of one recipe.")
    rows = [(Row(found.field, found.old), Row(found.field, found.new)) for found in new.since(old)]
    return render(request, "recipes/since.html", {"new": new, "old": old, "rows": rows})


@page_and_form
@one_act
def new(request: HttpRequest, family: str, key: int) -> HttpResponse:
    """A supervisor stores the next version, starting from this one."""
    stored = _stored(family, key)
    if request.method != "POST":
        return _for_supervisors(request, stored)

    def do() -> str:
        parameters = {f.name: _value(f, request.POST.get(f.name)) for f in stored.fields}
        by, now, reason = person(request), clock.now(), request.POST.get("reason", "")
        if family == "policy":
            policy = store_policy(parameters=parameters, by=by, now=now, reason=reason)
            return reverse("pages:policy-version", args=[policy.version])
        recipe = store_recipe(
            name=stored.name,
            procedure=stored.procedure,
            parameters=parameters,
            by=by,
            now=now,
            reason=reason,
        )
        return reverse("pages:recipe-version", args=[recipe.pk])

    return acted(do, otherwise=lambda refusal: _new_page(request, stored, refusal))


@form
def retire(request: HttpRequest, key: int) -> HttpResponse:
    row = row_or_404(RecipeVersion.objects.all(), f"There is no recipe version {key}.", pk=key)

    def do() -> str:
        words = request.POST.get("words", "")
        retire_recipe(version=row, words=words, by=person(request), now=clock.now())
        return reverse("pages:recipe-version", args=[key])

    return acted(
        do, otherwise=lambda refusal: _version_page(request, _stored("recipe", key), refusal)
    )


def _for_supervisors(request: HttpRequest, stored: Stored) -> HttpResponse:
    """The form; whoever may not store reads the version and why."""
    try:
        require(person(request).role, Act.DEFINE)
    except RoleRefusal as refusal:
        response = _version_page(request, stored, refusal)
        response.status_code = status_of(refusal)
        return response
    return _new_page(request, stored)


def _stored(family: str, key: int) -> Stored:
    if family == "policy":
        return of_policy(row_or_404(policy_versions(), f"There is no policy v{key}.", version=key))
    return of_recipe(row_or_404(recipe_versions(), f"There is no recipe version {key}.", pk=key))


def _version_page(
    request: HttpRequest, stored: Stored, refusal: Refusal | None = None
) -> HttpResponse:
    others = siblings(stored)
    context = {
        "here": "recipes",
        "refusal": refusal,
        "stored": stored,
        "others": others,
        "newest": not others or stored.version > others[0].version,
        "may_define": may(person(request).role, Act.DEFINE),
    }
    return render(request, "recipes/version.html", context)


def _new_page(request: HttpRequest, stored: Stored, refusal: Refusal | None = None) -> HttpResponse:
    """Every field with what the version says or, where the form came back, what was typed."""
    beside = _beside(refusal)
    rows = [
        replace(row, typed=_typed(row, request), wrong=beside.pop(row.field.name, ()))
        for row in stored.rows
    ]
    reason_wrong = beside.pop("reason", ())
    context = {
        "here": "recipes",
        "stored": stored,
        "rows": rows,
        "reason": request.POST.get("reason", ""),
        "reason_wrong": reason_wrong,
        "wrong": sum(bool(row.wrong) for row in rows) + bool(reason_wrong),
        # What stands beside no field is said above them all.
        "refusal": refusal if beside else None,
    }
    return render(request, "recipes/new.html", context)


def _beside(refusal: Refusal | None) -> dict[str, tuple[str, ...]]:
    """The words of a refusal by the field that they are about."""
    found: dict[str, tuple[str, ...]] = {}
    for problem in refusal.problems if refusal else ():
        found[problem.about] = (*found.get(problem.about, ()), f"{problem.words} {problem.fix}")
    return found


def _typed(row: Row, request: HttpRequest) -> str:
    if request.method != "POST":
        value = row.value
    elif isinstance(row.field.default, bool):
        value = row.field.name in request.POST
    else:
        return request.POST.get(row.field.name, "")
    if isinstance(value, bool):
        return "yes" if value else ""
    return value if isinstance(value, str) else plain_number(value)


def _value(field: Field, typed: str | None) -> Value:
    """What was typed as the kind of the field; what cannot be read is left for the refusal."""
    if isinstance(field.default, bool):
        return typed is not None
    text = (typed or "").strip()
    try:
        if isinstance(field.default, int):
            return int(text)
        return text if isinstance(field.default, str) else float(text)
    except ValueError:
        return text
