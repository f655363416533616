"""An act behind a form: done and onward, or refused in words on the page it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from api.idempotency import one_act
from api.refused import status_of
from shop.people.models import User
from shop.refusals import Refusal

SEE_OTHER = 303
M = TypeVar("M", bound=Model)


class Shows(Protocol):
    """A page that can show a refusal above its content."""

    def __call__(self, refusal: Refusal) -> HttpResponse: ...


def acted(do: Callable[[], str], *, otherwise: Shows) -> HttpResponse:
    """Do it and go to the path it returns; a refusal is shown on the page of `otherwise`."""
    try:
        then = do()
    except Refusal as refusal:
        response = otherwise(refusal)
        response.status_code = status_of(refusal)
        return response
    return HttpResponseRedirect(then, status=SEE_OTHER)


def person(request: HttpRequest) -> User:
    """Who is logged in; only behind `login_required`."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("a page for people was reached by nobody")
    return user


def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For people who are logged in, to read."""
    return require_safe(login_required(view))


def form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For people who are logged in, to act; tapped twice it is one act."""
    return form_as_sent(one_act(view))


def form_as_sent(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Likewise, for what is the same however often it is done."""
    return require_POST(login_required(view))


def page_and_form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    return require_http_methods(["GET", "HEAD", "POST"])(login_required(view))


def number(text: str | None) -> int:
    """A key from a form; what is not one names nothing, for keys count from 1."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def row_or_404(rows: QuerySet[M], words: str, **named: Any) -> M:
    """The row that is named; a 404 with `words` where there is none."""
    row = rows.filter(**named).first()
    if row is None:
        raise Http404(words)
    return row
