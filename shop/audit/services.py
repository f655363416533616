"""Writing the audit: one entry after the other, whoever writes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from django.db import connection, transaction

from shop.audit.chain import GENESIS
from shop.audit.models import AuditEntry
from shop.evidence.canonical import plain, sha256_of
from shop.people.models import User
from shop.signing import services as signing
from shop.signing.keyring import KeyUnusable
from shop.signing.models import SigningKey
from shop.signing.services import Signer, signer

log = logging.getLogger(__name__)

# Two writers at once take turns, so that the numbers have no hole.  The turn lasts until the
# transaction ends: whoever holds other rows too asks for it last.
TAKE_A_TURN = "SELECT pg_advisory_xact_lock(hashtext('shop_auditentry'))"


class Told(Protocol):
    """A record that the audit repeats, so that it can neither vanish nor appear unseen."""

    @property
    def told(self) -> Mapping[str, Any]: ...


def record(
    *,
    kind: AuditEntry.Kind,
    by: User | None,
    now: datetime,
    address: str = "",
    data: Mapping[str, Any] | None = None,
    of: Told | None = None,
) -> AuditEntry:
    """Add an entry, in the caller's transaction where there is one; raises KeyUnusable.

    `of` is the record that this act made, which the entry then holds word for word.
    """
    return _add(_office(now), kind, by, now, address, {**(data or {}), **_about(of)})


def record_visit(
    *, kind: AuditEntry.Kind, by: User | None, now: datetime, address: str, account: str = ""
) -> AuditEntry:
    """A log-in or a log-out.  Never refused for a missing key: somebody may have to stop a run.

    `account` is the name of an account that exists: what else was typed may be a password.
    """
    try:
        office = _office(now)
    except KeyUnusable as error:
        log.error("the audit goes on unsigned: %s", error)
        office = None
    return _add(office, kind, by, now, address, {"account": account} if account else {})


def replace_key(
    purpose: SigningKey.Purpose, *, retired_key_id: str, words: str, operator: str, now: datetime
) -> SigningKey:
    """`signing.replace`, and who did it: `operator` is a user of the host."""
    key = signing.replace(purpose, retired_key_id=retired_key_id, words=words, now=now)
    retirement = SigningKey.objects.get(key_id=retired_key_id).retirement
    data = {"operator": operator, "key": key.key_id}
    record(kind=AuditEntry.Kind.KEY_REPLACED, by=None, now=now, data=data, of=retirement)
    return key


def _office(now: datetime) -> Signer:
    return signer(SigningKey.Purpose.AUDIT, now=now)


def _about(of: Told | None) -> dict[str, Any]:
    return {} if of is None else {"record": plain(of.told)}


def _add(
    office: Signer | None,
    kind: AuditEntry.Kind,
    by: User | None,
    now: datetime,
    address: str,
    data: Mapping[str, Any],
) -> AuditEntry:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(TAKE_A_TURN)
        last = AuditEntry.objects.order_by("-number").values("number", "sha256").first()
        entry = AuditEntry(
            number=last["number"] + 1 if last else 1,
            kind=kind,
            by=by,
            at=now,
            address=address[:64],
            data=plain(data),
            prev_sha256=last["sha256"] if last else GENESIS,
            key=office.key if office else None,
        )
        body = entry.body(office.named if office else {})
        entry.sha256 = sha256_of(body)
        entry.signature = office.sign(body) if office else ""
        entry.save(force_insert=True)
    return entry
