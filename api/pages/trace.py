"""`/t/<secret>`: a customer's page; the answer first, no names of staff, no account (T2)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.trace.queries import trace_pack


@require_safe
def show(request: HttpRequest, secret: str) -> HttpResponse:
    """A revoked link and one that never was answer alike."""
    traced = trace_pack(secret)
    template = "trace/trace.html" if traced else "trace/unknown.html"
    response = render(
        request, template, {"trace": traced, "secret": secret}, status=200 if traced else 404
    )
    # The address is the key: it must not travel on, be indexed, or stay in a shared cache.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "no-store"
    return response
