"""Sharing a pack with its customer by an unguessable link, and taking the link back (T2)."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from datetime import datetime

from django.db import transaction
from django.utils.crypto import salted_hmac

from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.packs.models import Pack
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import StaleTransition
from shop.trace.models import TraceLink
from shop.trace.queries import digest

SECRET_BYTES = 24  # 192 random bits


def share(*, pack: Pack, by: User, now: datetime, key: str = "") -> str:
    """A new link's secret: only its SHA-256 is stored.

    With a `key`, the same person's same key makes the same link of a pack again: its secret
    comes from the key and the shop's own secret, so that it can be told twice and stored never.
    """
    require(by.role, Act.SHARE_TRACE)
    secret = _secret_of(pack, by, key) if key else secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        link, is_new = TraceLink.objects.get_or_create(
            secret_sha256=digest(secret),
            defaults={"pack": pack, "created_by": by, "created_at": now},
        )
        if is_new:
            _told(AuditEntry.Kind.SHARED, link, by, now)
    return secret


def _secret_of(pack: Pack, by: User, key: str) -> str:
    words = f"{pack.pk} {by.pk} {key}"
    keyed = salted_hmac("shop.trace.share", words, algorithm="sha256").digest()
    return urlsafe_b64encode(keyed[:SECRET_BYTES]).decode()


def revoke(*, link: TraceLink, by: User, now: datetime) -> TraceLink:
    """The link opens nothing from now on, for good."""
    require(by.role, Act.REVOKE_TRACE)
    with transaction.atomic():
        if not TraceLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now):
            raise StaleTransition(f"Link {link.pk}", "open")
        _told(AuditEntry.Kind.UNSHARED, link, by, now)
    link.refresh_from_db()
    return link


def _told(kind: AuditEntry.Kind, link: TraceLink, by: User, now: datetime) -> None:
    data = {"pack": link.pack.serial, "link": link.pk}
    audit.record(kind=kind, by=by, now=now, data=data)
