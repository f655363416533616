"""`session`: who is logged in; log in, log out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.middleware.csrf import get_token
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.rest.errors import refused
from api.rest.views import Session, ShopView, sent
from shop.people.models import User
from shop.refusals import Problem

WRONG = Problem(
    "wrong_password", "Name and password do not match.", "Check capitals and try again."
)


class LogIn(serializers.Serializer[Any]):
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)


class SessionView(ShopView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response(_shape(request))

    def post(self, request: Request) -> Response:
        # DRF checks only those who are logged in; a log-in sent by another site must fail too.
        Session().enforce_csrf(request)
        named = sent(LogIn, request)
        user = authenticate(request._request, **named)
        if user is None:
            return refused("Not logged in", [WRONG], 403)
        login(request._request, user)
        request.user = user
        return Response(_shape(request))

    def delete(self, request: Request) -> Response:
        logout(request._request)
        return Response(status=204)


def _shape(request: Request) -> dict[str, Any]:
    user, who = request.user, None
    if isinstance(user, User):
        who = {"username": user.username, "name": user.words, "role": user.role}
    return {"user": who, "csrf": get_token(request._request)}
