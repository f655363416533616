"""Who may ask for what: nobody without a log-in but the trace, and each act by its role."""

from __future__ import annotations

import re

import pytest
from django.urls import URLPattern

from api.rest.urls import urlpatterns
from tests.api.clients import Api, codes
from tests.cast import Cast

OPEN = {"session", "trace", "trace-curve"}
SHUT = [pattern for pattern in urlpatterns if pattern.name not in OPEN]


def path_of(pattern: URLPattern) -> str:
    return re.sub(r"<\w+:\w+>", "1", str(pattern.pattern))


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", SHUT, ids=lambda pattern: pattern.name)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_reads_or_acts_without_a_log_in(pattern: URLPattern, method: str) -> None:
    answer = getattr(Api(), method)(path_of(pattern))

    assert (answer.status_code, codes(answer)) == (401, ["log_in"])


@pytest.mark.parametrize("pattern", SHUT, ids=lambda pattern: pattern.name)
def test_an_act_by_the_wrong_method_is_refused_in_the_same_shape(
    cast: Cast, tola: Api, pattern: URLPattern
) -> None:
    answer = tola.client.put(f"/api/v1/{path_of(pattern)}")

    assert (answer.status_code, codes(answer)) == (405, ["method"])
