"""Log-ins and log-outs as they happen, from pages and programs alike, into the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from shop import clock
from shop.audit.models import AuditEntry
from shop.audit.services import record_visit
from shop.people.models import User


def listen() -> None:
    """From now on, once for each however often it is called."""
    user_logged_in.connect(_logged_in, dispatch_uid="audit")
    user_logged_out.connect(_logged_out, dispatch_uid="audit")
    user_login_failed.connect(_failed, dispatch_uid="audit")


def _logged_in(user: User, request: HttpRequest | None = None, **_: Any) -> None:
    _record(AuditEntry.Kind.LOGGED_IN, request, by=user)


def _logged_out(user: User | None, request: HttpRequest | None = None, **_: Any) -> None:
    if user is not None:
        _record(AuditEntry.Kind.LOGGED_OUT, request, by=user)


def _failed(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    typed = str(credentials.get(User.USERNAME_FIELD, ""))
    known = "\0" not in typed and User.objects.filter(username=typed).exists()
    _record(AuditEntry.Kind.LOG_IN_FAILED, request, account=typed if known else "")


def _record(
    kind: AuditEntry.Kind, request: HttpRequest | None, by: User | None = None, account: str = ""
) -> None:
    address = str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""
    record_visit(kind=kind, by=by, now=clock.now(), address=address, account=account)
