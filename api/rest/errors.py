"""Every refusal of the API in one shape, and its status: made here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from api.refused import status_of, title_of, wrong_fields
from shop.refusals import Problem, Refusal


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook: a refusal, a bad request or a missing thing as words; None lets it rise."""
    if isinstance(error, Refusal):
        return refused(title_of(error), error.problems, status_of(error))
    if isinstance(error, Http404):
        words = str(error) or "There is nothing here."
        return refused(
            "Unknown", [Problem("unknown", words, "Check the number or the serial.")], 404
        )
    if isinstance(error, RecursionError):  # JSON that is nested beyond reading
        error = exceptions.ParseError()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.ValidationError):
        return refused("This could not be understood", _fields(error.detail), 400)
    if isinstance(error, exceptions.APIException):
        return _of_drf(error)
    return None


def refused(title: str, problems: Iterable[Problem], status_code: int) -> Response:
    body = {
        "title": title,
        "problems": [problem_shape(problem) for problem in problems],
    }
    return Response(body, status=status_code)


def problem_shape(problem: Problem) -> dict[str, str]:
    told = {"code": problem.code, "words": problem.words, "fix": problem.fix}
    return told | ({"about": problem.about} if problem.about else {})


_WORDS: Mapping[int, tuple[str, str, str]] = {
    status.HTTP_401_UNAUTHORIZED: ("log_in", "Nobody is logged in.", "POST session first."),
    status.HTTP_405_METHOD_NOT_ALLOWED: ("method", "That cannot be done to this.", ""),
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE: ("media_type", "Only JSON is read here.", ""),
}


def _of_drf(error: exceptions.APIException) -> Response:
    code, words, fix = _WORDS.get(error.status_code, ("not_allowed", str(error.detail), ""))
    response = refused("Not done", [Problem(code, words, fix)], error.status_code)
    if error.status_code == status.HTTP_401_UNAUTHORIZED:
        response["WWW-Authenticate"] = "Session"
    return response


def _fields(detail: Any) -> list[Problem]:
    fix = "Send it as the API's page describes."
    return [Problem("malformed", words, fix) for words in wrong_fields(detail)]
