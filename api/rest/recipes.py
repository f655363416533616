"""`recipes`, `policies`: stored versions with every field, what differs, a new one, retirement."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import idempotent
from api.reads.versions import (
    Stored,
    of_policy,
    of_recipe,
    policy_versions,
    recipe_versions,
)
from api.rest.views import ShopView, person, sent
from shop import clock
from shop.jobs.fields import Field
from shop.jobs.models import RecipeVersion
from shop.jobs.versions import retire_recipe, store_policy, store_recipe


class NewRecipe(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, trim_whitespace=False)
    procedure = serializers.CharField(max_length=100)
    parameters = serializers.DictField()
    reason = serializers.CharField(allow_blank=True, default="")


class NewPolicy(serializers.Serializer[Any]):
    parameters = serializers.DictField()
    reason = serializers.CharField(allow_blank=True, default="")


class Why(serializers.Serializer[Any]):
    words = serializers.CharField(allow_blank=True)


class RecipesView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"recipes": [_brief(of_recipe(row)) for row in recipe_versions()]})

    @idempotent
    def post(self, request: Request) -> Response:
        made = store_recipe(**sent(NewRecipe, request), by=person(request), now=clock.now())
        return Response(_whole(_recipe(made.pk)), status=201)


class RecipeView(ShopView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(_whole(_recipe(pk)))


class RecipeSinceView(ShopView):
    def get(self, request: Request, pk: int, earlier: int) -> Response:
        new, old = _recipe(pk), _recipe(earlier)
        if new.name != old.name:
            raise Http404(f"{earlier} is no version of {new.name}.")
        return Response(_since(new, old))


class RetireView(ShopView):
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        words = sent(Why, request)["words"]
        version = RecipeVersion.objects.filter(pk=pk).select_related("recipe").first()
        if version is None:
            raise Http404(f"There is no recipe version {pk}.")
        retire_recipe(version=version, words=words, by=person(request), now=clock.now())
        return Response(_whole(_recipe(pk)), status=201)


class PoliciesView(ShopView):
    def get(self, request: Request) -> Response:
        return Response({"policies": [_brief(of_policy(row)) for row in policy_versions()]})

    @idempotent
    def post(self, request: Request) -> Response:
        made = store_policy(**sent(NewPolicy, request), by=person(request), now=clock.now())
        return Response(_whole(_policy(made.version)), status=201)


class PolicyView(ShopView):
    def get(self, request: Request, version: int) -> Response:
        return Response(_whole(_policy(version)))


class PolicySinceView(ShopView):
    def get(self, request: Request, version: int, earlier: int) -> Response:
        return Response(_since(_policy(version), _policy(earlier)))


def _recipe(pk: int) -> Stored:
    row = recipe_versions().filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no recipe version {pk}.")
    return of_recipe(row)


def _policy(version: int) -> Stored:
    row = policy_versions().filter(version=version).first()
    if row is None:
        raise Http404(f"There is no policy v{version}.")
    return of_policy(row)


def _brief(stored: Stored) -> dict[str, Any]:
    told: dict[str, Any] = {"version": stored.version}
    told |= {"by": stored.by.username, "at": stored.at, "reason": stored.reason}
    if stored.family == "policy":
        return told
    back = stored.retirement
    told |= {"id": stored.key, "name": stored.name, "procedure": stored.procedure}
    return told | {"retired": {"at": back.at, "words": back.words} if back else None}


def _whole(stored: Stored) -> dict[str, Any]:
    fields = [_field(row.field) | {"value": row.value} for row in stored.rows]
    return _brief(stored) | {"fields": fields}


def _since(new: Stored, old: Stored) -> dict[str, Any]:
    found = [_field(d.field) | {"old": d.old, "new": d.new} for d in new.since(old)]
    return {"old": _brief(old), "new": _brief(new), "differences": found}


def _field(field: Field) -> dict[str, Any]:
    told = {"name": field.name, "kind": field.kind, "unit": field.unit, "does": field.does}
    window = field.bounds
    bounds = {"low": window.low, "high": window.high} if window else None
    told |= {"source": field.source}
    return told | {"default": field.default, "bounds": bounds, "choices": list(field.choices)}
