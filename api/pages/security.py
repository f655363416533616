"""What every page keeps to: no script but our own files, no frame, no other host, no NUL."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

# `data:` only for images: the marks of ticks and selects in Pico's stylesheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class ContentSecurityPolicy(MiddlewareMixin):
    """Sync and async by Django's own mixin; it only sets a header."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class RefuseNul(MiddlewareMixin):
    """A NUL is in no serial and in no word, and PostgreSQL stores none: said before it is asked.

    JSON is held to the same by the API's own fields.
    """

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: Mapping[str, object]
    ) -> HttpResponse | None:
        if any("\0" in str(value) for value in kwargs.values()):
            raise Http404("There is nothing here.")
        if request.path.startswith("/api/") or request.method != "POST":
            return None
        if any("\0" in value for _, values in request.POST.lists() for value in values):
            words = "A field holds a sign that no keyboard and no scanner sends. Type it again."
            return HttpResponse(words, content_type="text/plain; charset=utf-8", status=400)
        return None
