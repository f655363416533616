"""Sharing a pack with its customer by an unguessable link, and taking the link back (T2)."""

from __future__ import annotations

import secrets
from datetime import datetime

from shop.packs.models import Pack
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import StaleTransition
from shop.trace.models import TraceLink
from shop.trace.queries import digest

SECRET_BYTES = 24  # 192 random bits


def share(*, pack: Pack, by: User, now: datetime) -> str:
    """A new link's secret, told once: only its SHA-256 is stored."""
    require(by.role, Act.SHARE_TRACE)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    TraceLink.objects.create(pack=pack, secret_sha256=digest(secret), created_by=by, created_at=now)
    return secret


def revoke(*, link: TraceLink, by: User, now: datetime) -> TraceLink:
    """The link opens nothing from now on, for good."""
    require(by.role, Act.REVOKE_TRACE)
    changed = TraceLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now)
    if not changed:
        raise StaleTransition(f"Link {link.pk}", "open")
    link.refresh_from_db()
    return link
