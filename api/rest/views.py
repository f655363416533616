"""What every view of the API shares: who asks, what they sent, how errors read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from api.rest.errors import handle
from shop.people.models import User

M = TypeVar("M")
CELLS_MAX = 1024  # in one request


class Session(SessionAuthentication):
    """The browser's cookie, with CSRF; nobody logged in is 401 and not 403."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class ShopView(APIView):
    """One resource; log-in is needed unless a view says otherwise."""

    authentication_classes = [Session]

    def get_exception_handler(self) -> Callable[..., Any]:
        return handle


def person(request: Request) -> User:
    """Who asks; only behind IsAuthenticated."""
    if not isinstance(request.user, User):
        raise TypeError("a view for people was reached by nobody")
    return request.user


def sent(shape: type[serializers.Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """What was sent, as `shape` reads it; raises ValidationError naming each field."""
    read = shape(data=request.data)
    read.is_valid(raise_exception=True)
    valid: Mapping[str, Any] = read.validated_data
    return valid
